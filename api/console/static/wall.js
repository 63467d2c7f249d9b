"use strict";
// The wall follows the stream of changes, and looks by itself where nothing is pushed: agents' states, figures that age.
(() => {
  const EVERY_MILLISECONDS = 5000;
  const GATHER_MILLISECONDS = 700;
  const board = document.getElementById("board");
  const live = document.getElementById("live");
  const clock = document.getElementById("clock");
  // How far this machine's clock is off the server's.
  let skew = 0;

  const length = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const two = (number) => String(number).padStart(2, "0");
    return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  };

  const tick = () => {
    const now = Date.now() + skew;
    const { timezone } = board.querySelector(".moment").dataset;
    clock.textContent = new Date(now).toLocaleTimeString("zh-CN", { timeZone: timezone, hourCycle: "h23" });
    for (const each of board.querySelectorAll("time[data-since]")) {
      each.textContent = length((now - Date.parse(each.dataset.since)) / 1000);
    }
  };

  const settle = () => {
    skew = Date.parse(board.querySelector(".moment").dataset.now) - Date.now();
    tick();
  };

  const lost = () => {
    live.className = "live lost";
    live.querySelector("b").textContent = "连接中断";
  };
  const there = () => {
    live.className = "live on";
    live.querySelector("b").textContent = "实时";
  };

  let asking = false;
  const refresh = async () => {
    if (asking) return;
    asking = true;
    try {
      const people = board.querySelector(".people").scrollTop;
      const answer = await fetch(`/wall/board?queue=${encodeURIComponent(board.dataset.queue)}`, { headers: { "HX-Request": "true" } });
      if (answer.status === 401) location.assign("/login");
      if (!answer.ok) throw new Error(`${answer.status}`);
      const html = await answer.text();
      const focused = board.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      board.innerHTML = html;
      if (focused) board.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
      board.querySelector(".people").scrollTop = people;
      settle();
    } finally {
      asking = false;
    }
  };
  const look = () => refresh().catch(lost);

  let timer = null;
  const plan = () => {
    timer ??= setTimeout(() => {
      timer = null;
      look();
    }, GATHER_MILLISECONDS);
  };

  const stream = new EventSource(`/api/v1/stream?after=${encodeURIComponent(live.dataset.position)}`);
  stream.addEventListener("open", there);
  stream.addEventListener("error", lost);
  stream.addEventListener("changed", plan);
  stream.addEventListener("reset", plan);
  setInterval(look, EVERY_MILLISECONDS);
  setInterval(tick, 1000);
  settle();
})();
