"use strict";
// The agent's bar: what my phone does, and orders to it; for a supervisor the calls that run.
const bar = (() => {
  const root = document.getElementById("bar");
  if (!root) return { key: () => false };
  const seat = root.dataset.seat;
  const LOOK_MS = 1500;
  const STATES = {
    offline: ["离线", "off"], idle: ["空闲", "idle"], ringing: ["振铃", "ringing"], talking: ["通话中", "in call"],
    wrap_up: ["话后", "wrap-up"], paused: ["暂停", "paused"],
  };
  const ASKS = {
    blind_transfer: "转给座席 transfer to", attended_transfer: "先问座席 ask first", conference: "请谁加入 bring in",
    dial: "拨打 dial",
  };
  const state = document.getElementById("agent-state");
  const breaks = document.getElementById("break");
  const running = document.getElementById("running");
  const ask = document.getElementById("ask");
  const button = (act) => root.querySelector(`[data-act="${act}"]`);
  const label = (act, zh, en) => {
    button(act).querySelector("b").textContent = zh;
    button(act).querySelector("small").textContent = en;
  };
  let me = null;
  let held = false;
  let asking = false;

  const send = async (extension, verb, body) => {
    const answer = await fetch(`/api/v1/agents/${extension}/${verb}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}),
    });
    if (answer.status === 401) location.assign("/login");
    if (answer.ok) return true;
    const problem = await answer.json().catch(() => ({}));
    draft.notice(problem.detail ?? `${verb}: ${answer.status}`);
    return false;
  };
  const give = async (verb, body) => {
    const done = await send(seat, verb, body);
    await look();
    return done;
  };

  const number = (title, suggested) => new Promise((resolve) => {
    const field = document.getElementById("ask-number");
    ask.querySelector("h3").textContent = title;
    field.value = suggested ?? "";
    ask.returnValue = "";
    ask.addEventListener("close", () => resolve(ask.returnValue === "ok" ? field.value.trim() : ""), { once: true });
    ask.showModal();
    field.select();
  });

  const acts = {
    duty: () => give(me?.state === "offline" ? "login" : "logout"),
    unpause: () => give("unpause"),
    extend: () => give("extend"),
    hold: async () => {
      if (await give(held ? "unhold" : "hold")) held = !held;
      asking = asking && !held ? false : asking;
      paint();
    },
    attended_transfer: async () => {
      if (asking) {
        if (await give("attended_transfer")) asking = held = false;
      } else {
        const to = await number(ASKS.attended_transfer);
        if (to && (await give("attended_transfer", { to }))) asking = held = true;
      }
      paint();
    },
    blind_transfer: async () => {
      const to = await number(ASKS.blind_transfer);
      if (to) await give("blind_transfer", { to });
    },
    conference: async () => {
      const called = await number(ASKS.conference);
      if (called) await give("conference", { number: called });
    },
    dial: async () => {
      const call = document.querySelector("#call .call");
      const called = await number(ASKS.dial, call?.querySelector(".who h2")?.textContent.trim().match(/^\+?\d+$/)?.[0]);
      if (called) await give("dial", { number: called, ...(call ? { call_ref: call.dataset.ref } : {}) });
    },
  };
  const act = (name) => {
    const pressed = button(name);
    if (pressed && !pressed.hidden && !pressed.disabled) acts[name]();
  };

  const span = (milliseconds) => {
    const whole = Math.max(0, Math.round(milliseconds / 1000));
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };

  const paint = () => {
    if (!state) return;
    const kind = me?.state ?? "";
    const talking = kind === "talking";
    const waits = me?.held_until ? new Date(me.held_until) - Date.now() : null;
    const [zh, en] = STATES[kind] ?? ["未知", "unknown"];
    const option = kind === "paused" && [...breaks.options].find((each) => each.value === me.reason);
    state.className = `agent-state ${kind}${waits !== null && waits < 10_000 ? " late" : ""}`;
    state.querySelector("b").textContent = kind === "paused" && me.missed ? "未接" : option ? option.textContent.split(" ")[0] : zh;
    state.querySelector("small").textContent = option ? option.textContent.split(" ").slice(1).join(" ") : kind === "paused" ? (me.reason ?? en) : en;
    state.querySelector("time").textContent = waits !== null ? `剩 ${span(waits)}` : me?.since ? span(Date.now() - new Date(me.since)) : "";
    if (!talking) held = asking = false;
    label("duty", ...(kind === "offline" ? ["上班", "on duty"] : ["下班", "off duty"]));
    breaks.disabled = kind === "offline" || kind === "paused";
    button("unpause").hidden = kind !== "wrap_up" && kind !== "paused";
    label("unpause", ...(kind === "wrap_up" ? ["完成", "finish"] : ["就绪", "ready"]));
    button("extend").hidden = kind !== "wrap_up";
    for (const name of ["hold", "blind_transfer", "attended_transfer", "conference"]) button(name).disabled = !talking;
    button("dial").disabled = talking || kind === "offline" || kind === "";
    label("hold", ...(held ? ["取回", "take back"] : ["保持", "hold"]));
    button("hold").setAttribute("aria-pressed", String(held));
    label("attended_transfer", ...(asking ? ["移交", "hand over"] : ["先问后转", "ask first"]));
  };

  const paintRunning = (agents) => {
    if (!running || running.contains(document.activeElement)) return;
    const shown = agents.filter((each) => (each.state === "talking" && each.extension !== seat) || each.missed > 0);
    running.replaceChildren(...shown.map((each) => {
      const talk = document.createElement("span");
      talk.className = each.missed ? "talk missed" : "talk";
      talk.dataset.agent = each.extension;
      talk.append(`${each.name} ${each.extension} `);
      if (each.missed) talk.append(`未接 missed ×${each.missed}`);
      else for (const [verb, zh, en] of [["listen", "听", "listen"], ["whisper", "语", "whisper"], ["join", "入", "join"]]) {
        const press = document.createElement("button");
        press.type = "button";
        press.textContent = zh;
        press.title = seat ? en : "先入座 choose a seat first";
        press.disabled = !seat;
        press.addEventListener("click", () => send(each.extension, verb));
        talk.append(press);
      }
      return talk;
    }));
  };

  const look = async () => {
    const answer = await fetch("/api/v1/agents");
    if (!answer.ok) return;
    const agents = (await answer.json()).items;
    me = agents.find((each) => each.extension === seat) ?? null;
    paint();
    paintRunning(agents);
  };

  document.getElementById("seat").addEventListener("change", (event) => event.target.form.submit());
  for (const each of root.querySelectorAll("[data-act]")) {
    each.title = `${each.textContent.trim()} (${each.dataset.key})`;
    each.addEventListener("click", () => acts[each.dataset.act]());
  }
  breaks?.addEventListener("change", () => {
    if (breaks.value) give("pause", { reason: breaks.value });
    breaks.value = "";
    breaks.blur();
  });
  if (seat || running) {
    look().catch(() => undefined);
    setInterval(() => look().catch(() => undefined), LOOK_MS);
  }
  if (state) setInterval(paint, 500);

  return {
    // Says whether this key is the bar's.
    key: (pressed) => {
      if (!seat) return false;
      if (pressed === "b") {
        breaks.focus();
        return true;
      }
      const found = root.querySelector(`[data-key="${CSS.escape(pressed)}"]`);
      if (found) act(found.dataset.act);
      return Boolean(found);
    },
  };
})();
