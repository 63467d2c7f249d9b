"use strict";
// The draft beside the call: moving among its fields, correcting and confirming them. The server decides what is valid.
window.draft = (() => {
  // What happens after a decision or a closed editor; the desk sets it.
  const hooks = { changed: async () => {}, closed: () => {} };
  const place = () => document.querySelector("#call .draft");
  const fields = () => [...(place()?.querySelectorAll(".field") ?? [])];
  const byName = (name) => fields().find((each) => each.dataset.name === name);
  const current = () => document.activeElement?.closest?.("#call .field") ?? null;
  const within = () => Boolean(document.activeElement?.closest?.("#call .draft"));
  const editable = () => place() && "editable" in place().dataset && "ticket" in place().dataset;

  const notice = (text, wrong = false) => {
    const line = document.getElementById("notice");
    line.textContent = text;
    line.classList.toggle("wrong", wrong);
    line.classList.add("shown");
    clearTimeout(notice.timer);
    notice.timer = setTimeout(() => line.classList.remove("shown"), wrong ? 8000 : 3000);
  };

  const post = async (action, body) => {
    let answer;
    try {
      answer = await fetch(`/api/v1/tickets/${encodeURIComponent(place().dataset.ticket)}/${action}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
    } catch {
      throw new Error("没有连上服务器，请再试。 The server does not answer: try again.");
    }
    if (answer.status === 401) location.assign("/login");
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) {
      if (answer.status === 409) await hooks.changed();
      throw new Error(told.detail ?? `${answer.status}`);
    }
    return told;
  };

  const decide = async (name, value, seen) => {
    await post("correct", { field: name, value, seen });
    notice("已保存 saved");
    await hooks.changed();
  };

  const edit = (field) => {
    if (!field || !editable()) return;
    editor.edit(field, {
      keep: (value, seen) => decide(field.dataset.name, value, seen),
      after: () => hooks.closed(),
      confirmAll,
    });
  };

  const confirm = async (field) => {
    if (!field?.dataset.raw || !editable() || field.classList.contains("sure")) return;
    try {
      await decide(field.dataset.name, field.dataset.raw, field.dataset.raw);
    } catch (error) {
      notice(error.message, true);
    }
  };

  const confirmAll = async () => {
    if (!editable()) return;
    const seen = Object.fromEntries(fields().map((each) => [each.dataset.name, each.dataset.raw ?? null]));
    try {
      await post("confirm", { seen });
      await hooks.changed();
      notice("已全部确认 all confirmed");
    } catch (error) {
      notice(error.message, true);
    }
  };

  const focus = (field) => {
    field?.focus({ preventScroll: true });
    field?.scrollIntoView({ block: "nearest" });
  };

  const step = (by) => {
    const all = fields();
    const at = all.indexOf(current());
    focus(at < 0 ? all[0] : all[Math.min(all.length - 1, Math.max(0, at + by))]);
  };

  // What still needs somebody comes first.
  const start = () => focus(fields().find((each) => !each.classList.contains("sure")) ?? fields()[0]);

  let heard = { field: "", at: -1 };
  const hear = () => {
    const field = current();
    const cited = [...(field?.querySelectorAll(".evidence") ?? [])];
    if (!cited.length) return;
    heard = { field: field.dataset.name, at: heard.field === field.dataset.name ? (heard.at + 1) % cited.length : 0 };
    cited[heard.at].click();
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("call").addEventListener("click", (event) => {
      const field = event.target.closest(".field");
      if (event.target.closest(".edit")) edit(field);
      else if (event.target.closest(".confirm")) confirm(field);
      else if (event.target.closest(".confirm-all")) confirmAll();
      else if (event.target.closest(".to-field")) edit(byName(event.target.closest(".to-field").dataset.field));
    });
  });

  return { hooks, within, current, step, start, edit, confirm, confirmAll, hear, notice, any: () => fields().length > 0 };
})();
