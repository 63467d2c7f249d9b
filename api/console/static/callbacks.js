"use strict";
// Calling back: one click, or one key, dials; another says what came of it.
(() => {
  const rows = document.getElementById("rows");
  const agent = document.getElementById("agent");
  const notice = document.getElementById("notice");
  const KEPT = "zhitong.my-phone";
  if (!agent) return;

  agent.value ||= localStorage.getItem(KEPT) ?? "";
  agent.addEventListener("change", () => localStorage.setItem(KEPT, agent.value));

  let hiding;
  const say = (words, wrong) => {
    notice.textContent = words;
    notice.className = `notice shown${wrong ? " wrong" : ""}`;
    clearTimeout(hiding);
    hiding = setTimeout(() => notice.classList.remove("shown"), 6000);
  };

  const post = async (address, body) => {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.status === 401) return location.assign("/login");
    const told = await answer.json();
    if (!answer.ok) say(told.detail, true);
    await lists.load();
    return answer.ok;
  };

  const dial = async (row) => {
    if (!agent.value) {
      agent.focus();
      say("先选择您的话机。 Choose your phone first.", true);
    } else if (await post(`/api/v1/callbacks/${row.dataset.id}/dial`, { agent: agent.value })) {
      say(`请接起 ${agent.value}，随后拨出。 Pick up ${agent.value}; then the caller is dialled.`);
    }
  };
  const tell = (row, button) =>
    post(`/api/v1/callbacks/${row.dataset.id}/tries/${button.dataset.try}/result`, { result: button.dataset.result });

  const press = (row, button) => {
    if (!row || !button || button.disabled) return;
    button.disabled = true;
    if (button.matches("[data-dial]")) dial(row).finally(() => (button.disabled = false));
    else tell(row, button);
  };

  rows.addEventListener("click", (event) => press(event.target.closest("tr"), event.target.closest("[data-dial], [data-result]")));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.matches("input, select, textarea")) return;
    const row = lists.line();
    if (!row) return;
    if (event.key === "d") press(row, row.querySelector("[data-dial]"));
    else if (/^[1-4]$/.test(event.key)) press(row, row.querySelectorAll("[data-result]")[Number(event.key) - 1]);
  });
})();
