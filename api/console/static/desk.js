"use strict";
// The table follows the stream of changes; filters, the chosen call and the address stay in step.
document.addEventListener("DOMContentLoaded", () => {
  const rows = document.getElementById("rows");
  const filters = document.getElementById("filters");
  const figures = document.getElementById("figures");
  const open = document.getElementById("call");
  const live = document.getElementById("live");
  const exporter = document.getElementById("export");
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
    history.replaceState(null, "", query.size ? `/desk?${query}` : "/desk");
    for (const row of lines()) row.classList.toggle("chosen", row.dataset.ref === chosen);
    document.querySelector(".no-calls").hidden = lines().length > 0;
    for (const each of figures.querySelectorAll("button")) {
      each.classList.toggle("chosen", each.dataset.state === filters.state.value && each.dataset.state !== "");
    }
    if (exporter) exporter.href = `/desk/export?${filterQuery()}`;
  };

  const get = async (address) => {
    const answer = await fetch(address, { headers: { "HX-Request": "true" } });
    if (answer.status === 401) location.assign("/login");
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    return answer.text();
  };

  const show = async (ref) => {
    const html = await get(`/desk/calls/${encodeURIComponent(ref)}`);
    if (ref !== chosen) return;
    const scrolled = open.querySelector(".talk")?.scrollTop;
    const same = open.querySelector(".call")?.dataset.ref === ref;
    open.innerHTML = html; // our own server's page, every value in it escaped there
    if (same && scrolled) open.querySelector(".talk").scrollTop = scrolled;
    player.redraw();
  };

  const choose = (ref) => {
    if (!ref || ref === chosen) return;
    player.stop();
    chosen = ref;
    follow();
    line(ref)?.scrollIntoView({ block: "nearest" });
    show(ref);
  };

  const step = (by) => {
    const all = lines();
    const at = all.findIndex((row) => row.dataset.ref === chosen);
    const next = at < 0 ? all[0] : all[Math.min(all.length - 1, Math.max(0, at + by))];
    choose(next?.dataset.ref);
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
      if (old) old.replaceWith(row);
      else rows.insertBefore(row, [...rows.children].find((each) => !each.dataset.order || each.dataset.order < row.dataset.order) ?? null);
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
  live.addEventListener("htmx:sse:after:connection", () => {
    live.className = "live on";
    live.querySelector("b").textContent = "实时";
  });
  live.addEventListener("htmx:sse:error", lost);
  live.addEventListener("htmx:sse:close", lost);
  live.addEventListener("changed", (event) => {
    changed.add(JSON.parse(event.detail.data).call_ref);
    plan();
  });
  live.addEventListener("reset", () => location.reload());

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
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target.closest("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = {
      j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
      p: () => player.toggle(), "/": () => filters.caller.focus(), "?": () => help.showModal(), Escape: () => player.stop(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  follow();
  line(chosen)?.scrollIntoView({ block: "nearest" });
});
