"use strict";
// A table that follows the stream of changes; the filters, the chosen line and the address stay in step.
const lists = (() => {
  const rows = document.getElementById("rows");
  const filters = document.getElementById("filters");
  const live = document.getElementById("live");
  const exporters = document.querySelectorAll("a[data-form]");
  const REDRAW_MILLISECONDS = 30_000;
  let chosen = "";

  const lines = () => [...rows.children].filter((row) => row.dataset.id);
  const line = () => lines().find((row) => row.dataset.id === chosen);

  const query = () => {
    const found = new URLSearchParams();
    for (const [name, value] of new FormData(filters)) if (name && value) found.append(name, value);
    return found;
  };

  const settle = () => {
    for (const row of lines()) row.classList.toggle("chosen", row.dataset.id === chosen);
    document.querySelector(".none").hidden = lines().length > 0;
  };

  const get = async (address) => {
    const answer = await fetch(address, { headers: { "HX-Request": "true" } });
    if (answer.status === 401) location.assign("/login");
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    const place = document.createElement("template");
    place.innerHTML = await answer.text();
    return place.content;
  };

  // Answers may arrive out of order: only the last one asked for is shown.
  let asked = 0;
  const load = async () => {
    const mine = ++asked;
    const fresh = await get(`${filters.dataset.rows}?${query()}`);
    if (mine !== asked) return;
    rows.replaceChildren(fresh);
    settle();
  };

  const choose = (row) => {
    if (!row) return;
    chosen = row.dataset.id;
    settle();
    row.scrollIntoView({ block: "nearest" });
  };

  const filter = () => {
    history.replaceState(null, "", `${filters.dataset.page}?${query()}`);
    for (const each of exporters) each.href = `${filters.dataset.export}?${query()}&format=${each.dataset.form}`;
    load();
  };
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("change", (event) => event.target.name && filter());
  let typing;
  filters.addEventListener("input", (event) => {
    if (event.target.type !== "search") return;
    clearTimeout(typing);
    typing = setTimeout(filter, 300);
  });

  rows.addEventListener("click", async (event) => {
    const more = event.target.closest("[data-more]");
    if (more) {
      more.closest("tr").replaceWith(await get(more.dataset.more));
      settle();
      return;
    }
    choose(event.target.closest("tr[data-id]"));
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const all = lines();
    const at = all.indexOf(line());
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (step) choose(all[Math.min(all.length - 1, Math.max(0, at + step))]);
    else if (event.key === "/") filters.querySelector("input, select").focus();
    else return;
    event.preventDefault();
  });

  let planned;
  const plan = () => {
    clearTimeout(planned);
    planned = setTimeout(load, 150);
  };
  const stream = new EventSource(`/api/v1/stream?after=${encodeURIComponent(live.dataset.position)}`);
  const tell = (state, words) => {
    live.className = `live ${state}`;
    live.querySelector("b").textContent = words;
  };
  stream.addEventListener("open", () => tell("on", "实时"));
  stream.addEventListener("error", () => tell("lost", "重新连接"));
  stream.addEventListener("changed", (event) => JSON.parse(event.data).kind === live.dataset.kind && plan());
  stream.addEventListener("reset", plan);
  // How long is left changes by itself.
  setInterval(plan, REDRAW_MILLISECONDS);
  settle();
  return { load, line, choose };
})();
