"use strict";
// The table follows the stream of changes; filters, the chosen call and the address stay in step.
(() => {
  const rows = document.getElementById("rows");
  const filters = document.getElementById("filters");
  const figures = document.getElementById("figures");
  const open = document.getElementById("call");
  const live = document.getElementById("live");
  const exporters = document.querySelectorAll("a[data-form]");
  let chosen = new URLSearchParams(location.search).get("call") ?? "";

  const filterQuery = () => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(filters)) {
      if (value && !(name === "day" && value === filters.day.dataset.today)) query.append(name, value);
    }
    return query;
  };

  const line = (ref) => [...rows.children].find((row) => row.dataset.ref === ref);
  const lines = () => [...rows.children].filter((row) => row.dataset.ref);

  const follow = () => {
    const query = filterQuery();
    if (chosen) query.set("call", chosen);
    if (followed) query.set("follow", followed.dataset.agent);
    history.replaceState(null, "", query.size ? `/desk?${query}` : "/desk");
    for (const row of lines()) row.classList.toggle("chosen", row.dataset.ref === chosen);
    document.querySelector(".no-calls").hidden = lines().length > 0;
    for (const each of figures.querySelectorAll("button")) {
      each.classList.toggle("chosen", each.dataset.state === filters.state.value && each.dataset.state !== "");
    }
    for (const each of exporters) each.href = `/desk/export?${filterQuery()}&format=${each.dataset.form}`;
  };

  const get = async (address) => {
    const answer = await fetch(address, { headers: { "HX-Request": "true" } });
    if (answer.status === 401) location.assign("/login");
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    return answer.text();
  };

  const opened = () => open.querySelector(".call");

  const show = async (ref) => {
    const fresh = patch.parse(await get(`/desk/calls/${encodeURIComponent(ref)}`));
    if (ref !== chosen) return;
    if (opened()?.dataset.ref === ref) partials.follow(() => patch.apply(opened(), fresh));
    else open.replaceChildren(fresh);
    partials.settle();
    partials.watch();
    player.redraw();
  };

  // A later call that the followed agent answered while an editor was open.
  let postponed = "";
  let stale = false;
  const choose = (ref) => {
    if (!ref || ref === chosen) return undefined;
    if (editor.isOpen()) return editor.nag();
    player.stop();
    chosen = ref;
    follow();
    line(ref)?.scrollIntoView({ block: "nearest" });
    return show(ref).catch(lost);
  };

  draft.hooks.changed = async () => {
    if (chosen) await show(chosen);
  };
  draft.hooks.closed = () => {
    if (stale) location.reload();
    const next = postponed;
    postponed = "";
    choose(next);
  };

  // The agent's desk opens each call when that agent answers it; a call that was left by hand is not opened again.
  const followed = document.getElementById("follow");
  const answered = new Set([chosen || opened()?.dataset.ref || ""]);
  const talksTo = (call) => (call.segments ?? []).filter((each) => !each.ended_at).at(-1)?.agent ?? call.agent;
  const attend = (call) => {
    if (followed?.getAttribute("aria-pressed") !== "true" || !call || answered.has(call.call_ref)) return;
    if (call.outcome !== "in_progress" || !call.answered_at || talksTo(call) !== followed.dataset.agent) return;
    answered.add(call.call_ref);
    if (!editor.isOpen()) {
      choose(call.call_ref);
    } else {
      postponed = call.call_ref;
      draft.notice("新来电已接听，保存后自动打开。 A new call is answered: it opens when you have saved.");
    }
  };
  const turnFollow = () => followed?.setAttribute("aria-pressed", followed.getAttribute("aria-pressed") === "true" ? "false" : "true");
  followed?.addEventListener("click", turnFollow);

  const step = (by) => {
    const all = lines();
    const at = all.findIndex((row) => row.dataset.ref === chosen);
    const next = at < 0 ? all[0] : all[Math.min(all.length - 1, Math.max(0, at + by))];
    choose(next?.dataset.ref);
    line(chosen)?.focus({ preventScroll: true });
  };

  // Changes come in bursts: what came within a moment is asked for at once.
  let changed = new Set();
  let timer = null;
  const refresh = async () => {
    timer = null;
    const refs = [...changed].slice(0, 200);
    changed = new Set([...changed].slice(200));
    if (changed.size) plan();
    const query = filterQuery();
    for (const ref of refs) query.append("ref", ref);
    const [html, strip] = await Promise.all([get(`/desk/rows?${query}`), get(`/desk/figures?${filterQuery()}`)]);
    figures.innerHTML = strip;
    const fresh = document.createElement("tbody");
    fresh.innerHTML = html;
    for (const ref of refs) {
      const row = [...fresh.children].find((each) => each.dataset.ref === ref);
      const old = line(ref);
      if (!row) {
        old?.remove();
        continue;
      }
      row.classList.add("fresh");
      const focused = old !== undefined && old === document.activeElement;
      if (old) old.replaceWith(row);
      else rows.insertBefore(row, [...rows.children].find((each) => !each.dataset.order || each.dataset.order < row.dataset.order) ?? null);
      if (focused) row.focus({ preventScroll: true });
    }
    follow();
    if (refs.includes(chosen)) await show(chosen);
  };
  const plan = () => {
    timer ??= setTimeout(() => refresh().catch(lost), 120);
  };

  const lost = () => {
    live.className = "live lost";
    live.querySelector("b").textContent = "连接中断";
  };
  // The browser's own: it resumes after the last event that it saw.
  const stream = new EventSource(`/api/v1/stream?after=${encodeURIComponent(live.dataset.position)}`);
  stream.addEventListener("open", () => {
    live.className = "live on";
    live.querySelector("b").textContent = "实时";
  });
  stream.addEventListener("error", lost);
  stream.addEventListener("changed", (event) => {
    const change = JSON.parse(event.data);
    changed.add(change.call_ref);
    plan();
    attend(change.call);
  });
  stream.addEventListener("reset", () => {
    if (editor.isOpen()) stale = true;
    else location.reload();
  });

  rows.addEventListener("click", (event) => choose(event.target.closest("tr")?.dataset.ref));
  rows.addEventListener("htmx:after:swap", follow);
  document.body.addEventListener("htmx:after:swap", follow);
  filters.addEventListener("submit", (event) => event.preventDefault());
  figures.addEventListener("click", (event) => {
    const state = event.target.closest("button")?.dataset.state;
    if (state === undefined) return;
    filters.state.value = filters.state.value === state ? "" : state;
    filters.state.dispatchEvent(new Event("change", { bubbles: true }));
  });

  const help = document.getElementById("help");
  document.getElementById("help-button").addEventListener("click", () => help.showModal());
  const back = () => {
    player.stop();
    if (draft.within()) (line(chosen) ?? document.activeElement).focus({ preventScroll: true });
  };
  document.addEventListener("keydown", (event) => {
    // An input method's keys are letters of a word; a dialog has its own.
    if (event.isComposing || event.keyCode === 229 || help.open) return;
    const confirming = event.key === "Enter" && (event.ctrlKey || event.metaKey);
    if (confirming) {
      event.preventDefault();
      draft.confirmAll();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const inside = draft.within();
    const move = (by) => (inside ? draft.step(by) : step(by));
    const acts = {
      j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
      l: draft.start, ArrowRight: draft.start, h: back, ArrowLeft: back, Escape: back,
      e: draft.hear, c: () => draft.confirm(draft.current()), f: turnFollow,
      p: () => player.toggle(), "/": () => filters.caller.focus(), "?": () => help.showModal(),
    };
    // Enter on a button presses that button.
    if (!event.target.closest("button, a, summary")) acts.Enter = inside ? () => draft.edit(draft.current()) : draft.start;
    const act = acts[event.key];
    if (!act) {
      if (typeof bar !== "undefined" && bar.key(event.key)) event.preventDefault();
      return;
    }
    event.preventDefault();
    act();
  });

  if (opened()) {
    patch.remember(opened());
    chosen = opened().dataset.ref;
    partials.watch();
    player.redraw();
  }
  follow();
  line(chosen)?.scrollIntoView({ block: "nearest" });
})();
