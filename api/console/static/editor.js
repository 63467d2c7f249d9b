"use strict";
// The editor of one field: a line to type in, or a list to search in where values are chosen. One is open at a time.
window.editor = (() => {
  let open = null;

  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  };

  // Choices of the field, each with everything that it can be found by.
  const choicesOf = (name) => {
    const template = document.getElementById(`choices-${name}`);
    if (!template) return null;
    const items = [...document.importNode(template.content, true).querySelectorAll("li")];
    for (const each of items) each.find = `${each.textContent} ${each.dataset.value} ${each.dataset.find}`.toLowerCase();
    const none = element("li", "none", "（清空 none）");
    none.setAttribute("role", "option");
    none.dataset.value = "";
    none.find = "清空 none";
    return [...items, none];
  };

  const mark = (chosen) => {
    for (const each of open.list.children) each.setAttribute("aria-selected", each === chosen ? "true" : "false");
    chosen?.scrollIntoView({ block: "nearest" });
    if (chosen) open.input.setAttribute("aria-activedescendant", chosen.id);
    else open.input.removeAttribute("aria-activedescendant");
  };
  const marked = () => open.list.querySelector('[aria-selected="true"]');

  const filter = () => {
    const typed = open.input.value.trim().toLowerCase();
    const fitting = open.touched && typed ? open.choices.filter((each) => typed.split(/\s+/).every((part) => each.find.includes(part))) : open.choices;
    open.list.replaceChildren(...fitting);
    open.list.hidden = false;
    mark(open.touched ? fitting[0] : (fitting.find((each) => each.dataset.value === (open.seen ?? "")) ?? fitting[0]));
    say(fitting.length ? "" : "没有匹配的选项。 Nothing matches.");
  };

  const move = (by) => {
    const all = [...open.list.children];
    const at = all.indexOf(marked());
    mark(all[Math.min(all.length - 1, Math.max(0, at + by))]);
  };

  const say = (text) => {
    open.note.textContent = text;
    open.note.hidden = !text;
  };

  const value = () => {
    if (!open.choices) return { given: open.input.value };
    const chosen = marked();
    return chosen ? { given: chosen.dataset.value } : { refused: "请从列表中选择。 Choose one of the list." };
  };

  const close = () => {
    const { form, field, pending, after } = open;
    open = null;
    form.remove();
    field.classList.remove("editing");
    if (pending) patch.replace(field, pending);
    const stays = pending ?? field;
    stays.focus({ preventScroll: true });
    after(stays);
  };

  const save = async (afterwards) => {
    const { given, refused } = value();
    if (refused) return say(refused);
    const mine = open;
    mine.input.readOnly = true;
    try {
      await mine.save(given === "" ? null : given, mine.seen);
    } catch (error) {
      mine.input.readOnly = false;
      if (open === mine) say(error.message);
      return undefined;
    }
    if (open === mine) close();
    return afterwards?.();
  };

  // `keep(value, seen)` stores; `after(field)` is told when the editor is gone.
  const edit = (field, { keep, after, confirmAll }) => {
    if (open) return;
    const name = field.dataset.name;
    const form = element("form", "editor");
    const choices = choicesOf(name);
    const input = element(name === "summary" ? "textarea" : "input");
    const label = field.querySelector(".label").textContent.trim();
    input.setAttribute("aria-label", label);
    input.autocomplete = "off";
    input.value = choices ? field.dataset.shown : (field.dataset.raw ?? "");
    if (name === "contact_phone") input.inputMode = "tel";
    const list = element("ul", "choices");
    list.setAttribute("role", "listbox");
    list.hidden = true;
    if (choices) {
      input.setAttribute("role", "combobox");
      input.setAttribute("aria-expanded", "true");
      list.id = "editor-choices";
      input.setAttribute("aria-controls", list.id);
      choices.forEach((each, number) => (each.id = `choice-${number}`));
    }
    const note = element("p", "wrong");
    note.setAttribute("role", "alert");
    note.hidden = true;
    const news = element("p", "news");
    news.hidden = true;
    const actions = element("p", "actions");
    const store = element("button", "save", "保存 ↵");
    const cancel = element("button", "cancel", "取消 Esc");
    cancel.type = "button";
    actions.append(store, cancel);
    form.append(input, list, note, news, actions);
    field.querySelector(".label").after(form);
    field.classList.add("editing");
    open = { field, form, input, list, note, news, choices, seen: field.dataset.raw ?? null, touched: false, pending: null, save: keep, after };
    if (choices) filter();
    input.focus();
    input.select();
    form.scrollIntoView({ block: "nearest" });

    input.addEventListener("input", () => {
      open.touched = true;
      if (choices) filter();
      else say("");
    });
    list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const chosen = event.target.closest("li");
      if (!chosen) return;
      mark(chosen);
      save();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      save();
    });
    cancel.addEventListener("click", close);
    form.addEventListener("keydown", (event) => {
      event.stopPropagation();
      // An input method's own Enter and Esc choose among its words.
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key === "Escape") {
        event.preventDefault();
        close();
      } else if (event.key === "Enter" && event.target === input) {
        event.preventDefault();
        save(event.ctrlKey || event.metaKey ? confirmAll : undefined);
      } else if (choices && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        event.preventDefault();
        move(event.key === "ArrowDown" ? 1 : -1);
      }
    });
    field.addEventListener("superseded", (event) => {
      if (!open || open.field !== field) return;
      open.pending = event.detail;
      const { raw, shown } = event.detail.dataset;
      news.hidden = (raw ?? null) === open.seen;
      news.textContent = `机器现在推测 the machine says now：${shown || "未提到"}`;
    });
  };

  return { edit, isOpen: () => open !== null, nag: () => open && (say("请先保存或取消。 Save or cancel first."), open.input.focus()) };
})();
