"use strict";
// Brings a part of the page up to date from the server's HTML: only what differs is replaced, what is being edited stays.
// Elements are matched by data-key; those with data-parts are entered, all others are replaced as a whole.
window.patch = (() => {
  // What the server sent, since the player and the editor change what stands in the page.
  const sent = new WeakMap();

  const remember = (root) => {
    for (const each of [root, ...root.querySelectorAll("[data-key]")]) {
      if (!sent.has(each)) sent.set(each, each.outerHTML);
    }
  };

  const replace = (old, fresh) => {
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    if (old.open) fresh.open = true;
    old.replaceWith(fresh);
    if (focused === old) fresh.focus({ preventScroll: true });
    else if (focused) (fresh.querySelector(`.${focused.classList[0]}`) ?? fresh).focus({ preventScroll: true });
  };

  const enter = (old, fresh) => {
    const known = new Map([...old.children].filter((each) => each.dataset.key).map((each) => [each.dataset.key, each]));
    const wanted = [...fresh.children];
    const keys = new Set(wanted.map((each) => each.dataset.key));
    for (const [name, each] of known) if (!keys.has(name)) each.remove();
    let at = old.firstElementChild;
    for (const each of wanted) {
      while (at && !at.dataset.key) at = at.nextElementSibling;
      const before = known.get(each.dataset.key);
      if (!before) {
        old.insertBefore(each, at);
        continue;
      }
      if (before === at) at = at.nextElementSibling;
      else old.insertBefore(before, at);
      apply(before, each);
    }
    // What has no key was put here by the page itself and stands last.
    for (const own of [...old.children].filter((each) => !each.dataset.key)) old.append(own);
  };

  const apply = (old, fresh) => {
    const html = sent.get(fresh);
    if (sent.get(old) === html) return;
    if (old.classList.contains("editing")) {
      old.dispatchEvent(new CustomEvent("superseded", { detail: fresh }));
      return;
    }
    if ("parts" in fresh.dataset) {
      for (const name of Object.keys(old.dataset)) if (!(name in fresh.dataset)) delete old.dataset[name];
      Object.assign(old.dataset, fresh.dataset);
      enter(old, fresh);
      sent.set(old, html);
    } else {
      replace(old, fresh);
    }
  };

  const parse = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html; // our own server's page, every value in it escaped there
    const root = document.importNode(template.content, true).firstElementChild;
    remember(root);
    return root;
  };

  return { remember, parse, apply, replace };
})();
