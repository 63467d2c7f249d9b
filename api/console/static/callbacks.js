"use strict";
// Calling back: one click, or one key, dials; what came of it the call itself tells, unless somebody overrules it.
(() => {
  const rows = document.getElementById("rows");
  const agent = document.getElementById("agent");
  const notice = document.getElementById("notice");
  const heard = document.getElementById("heard");
  const KEPT = "zhitong.my-phone";

  const hear = async (button) => {
    const ref = button.dataset.hear;
    if (heard.dataset.ref === ref && !heard.hidden) return player.toggle();
    const answer = await fetch(`/callbacks/heard/${encodeURIComponent(ref)}`, { headers: { "HX-Request": "true" } });
    if (answer.status === 401) return location.assign("/login");
    player.stop();
    heard.innerHTML = await answer.text();
    heard.dataset.ref = ref;
    heard.hidden = false;
    return player.toggle();
  };
  const close = () => {
    player.stop();
    heard.hidden = true;
  };
  const typing = (event) =>
    event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches("input, select, textarea");
  if (heard) {
    rows.addEventListener("click", (event) => {
      const button = event.target.closest("[data-hear]");
      if (button) hear(button);
    });
    heard.addEventListener("click", (event) => event.target.closest("[data-close]") && close());
    document.addEventListener("keydown", (event) => {
      if (typing(event)) return;
      const last = event.key === "p" ? [...(lists.line()?.querySelectorAll("[data-hear]") ?? [])].pop() : null;
      if (last) hear(last);
      else if (event.key === "Escape" && !heard.hidden) close();
    });
  }
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

  const dialog = document.getElementById("overrule");
  const form = dialog.querySelector("form");
  const overrule = (row, button) => {
    form.reset();
    dialog.returnValue = "";
    dialog.addEventListener(
      "close",
      () => {
        if (dialog.returnValue !== "ok") return;
        const { result, reason } = Object.fromEntries(new FormData(form));
        post(`/api/v1/callbacks/${row.dataset.id}/tries/${button.dataset.overrule}/result`, { result, reason });
      },
      { once: true },
    );
    dialog.showModal();
  };
  dialog.addEventListener("keydown", (event) => {
    if (event.target.name === "reason" || !/^[1-4]$/.test(event.key)) return;
    form.elements.result[Number(event.key) - 1].checked = true;
    form.elements.reason.focus();
    event.preventDefault();
  });

  const press = (row, button) => {
    if (!row || !button || button.disabled) return;
    if (button.matches("[data-overrule]")) return overrule(row, button);
    button.disabled = true;
    dial(row).finally(() => (button.disabled = false));
  };

  rows.addEventListener("click", (event) =>
    press(event.target.closest("tr"), event.target.closest("[data-dial], [data-overrule]")));
  document.addEventListener("keydown", (event) => {
    if (typing(event) || dialog.open) return;
    const row = lists.line();
    if (row && event.key === "d") press(row, row.querySelector("[data-dial]"));
    else if (row && event.key === "o") {
      event.preventDefault();
      press(row, row.querySelector("[data-overrule]"));
    }
  });
})();
