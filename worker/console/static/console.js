/* The console's own script. Pages work without it: it adds dialogs, live rows, ages, keys and the two switches. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const root = document.documentElement;

  /* --- cookies of the two switches and of the keys: read by the server, so that a page never flashes --- */
  const keep = (name, value) => {
    document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax`;
  };
  const setTheme = () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme:dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    keep("pvd_theme", root.dataset.theme);
  };
  const setClock = () => {
    root.dataset.clock = root.dataset.clock === "local" ? "utc" : "local";
    keep("pvd_clock", root.dataset.clock);
    tick();
  };

  /* --- ages and clocks --- */
  const span = (s) => {
    if (s < 60) return `${Math.floor(s)} s`;
    const m = Math.floor(s / 60), h = Math.floor(m / 60);
    if (m < 10) return `${m} min`;
    if (h < 1) return `${m} min`;
    if (h < 10 && m % 60) return `${h} h`;
    return h < 48 ? `${h} h` : `${Math.floor(h / 24)} d`;
  };
  const pad = (n) => String(n).padStart(2, "0");
  const stamp = (d, local) =>
    local
      ? `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`
      : d.toISOString().slice(0, 19).replace("T", " ");
  const tick = () => {
    const local = root.dataset.clock === "local", now = Date.now();
    $$("time[data-age]").forEach((t) => {
      const at = new Date(t.dateTime), s = (now - at) / 1000;
      t.textContent = Math.abs(s) < 1 ? "now" : s > 0 ? `${span(s)} ago` : `in ${span(-s)}`;
      t.title = stamp(at, local) + (local ? "" : " UTC");
    });
    $$("time[data-clock]").forEach((t) => {
      t.textContent = stamp(new Date(t.dateTime), local);
    });
    const button = $("#clock");
    if (button) button.textContent = local ? "Local" : "UTC";
  };

  /* --- dialogs: every question is a page of its own; with script it opens here --- */
  const dialog = $("#ask");
  let opener = null;
  const ask = async (href) => {
    opener = document.activeElement;
    const answer = await fetch(href, { headers: { "X-Part": "dialog" } }).catch(() => null);
    if (!answer) return void (location.href = href);
    if (answer.redirected) return void location.reload();
    dialog.innerHTML = await answer.text();
    if (!dialog.open) dialog.showModal();
    $("[autofocus],textarea,input:not([type=hidden]),.keep", dialog)?.focus();
  };
  dialog?.addEventListener("close", () => {
    dialog.replaceChildren();
    opener?.isConnected && opener.focus();
    refresh();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-ask]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      return void ask(link.href);
    }
    if (event.target.closest(".keep") && dialog?.open) {
      event.preventDefault();
      dialog.close();
    }
    const copy = event.target.closest(".copy");
    if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => say("Copied"));
    if (event.target.closest(".toast .copy-close")) $("#toast")?.remove();
    if (event.target.closest("#theme")) setTheme();
    if (event.target.closest("#clock")) setClock();
    if (event.target.closest("#more")) {
      const open = $("#nav").classList.toggle("open");
      $("#more").setAttribute("aria-expanded", open);
    }
    if (event.target.closest("#fresh")) show();
    if (event.target.closest("#state")) pause();
    if (event.target.closest("#help")) help();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (button?.formAction && button.hasAttribute("data-ask")) {
      event.preventDefault();
      const data = new URLSearchParams(new FormData(form));
      return void ask(`${button.getAttribute("formaction")}?${data}`);
    }
    if (form.method === "post") setTimeout(() => button && (button.disabled = true));
    if (form.method === "get")
      $$("input,select", form).forEach((field) => { if (!field.value) field.disabled = true; });
  });
  /* a key pressed twice is one answer: looked at last, for others may keep a form from being sent */
  addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) return void event.preventDefault();
    form.dataset.sent = "yes";
  });
  const help = () => {
    dialog.innerHTML = $("#help-text").innerHTML;
    const box = $("#keys-on", dialog);
    box.checked = root.dataset.keys !== "off";
    box.addEventListener("change", () => {
      root.dataset.keys = box.checked ? "on" : "off";
      keep("pvd_keys", root.dataset.keys);
    });
    dialog.showModal();
  };

  /* --- choosing rows --- */
  const chosen = () => $$("input[name=id]:checked");
  const count = () => {
    const n = chosen().length;
    $$("[data-chosen]").forEach((b) => {
      b.hidden = !n;
      const text = $(".c", b);
      if (text) text.textContent = n;
    });
    const all = $("#all");
    if (all) {
      const of = $$("input[name=id]").length;
      all.checked = n > 0 && n === of;
      all.indeterminate = n > 0 && n < of;
    }
  };
  document.addEventListener("change", (event) => {
    if (event.target.id === "all") $$("input[name=id]").forEach((box) => (box.checked = event.target.checked));
    if (event.target.matches("[data-now]")) event.target.form.requestSubmit();
    count();
  });

  /* --- live: server events tell what changed; the region is fetched again and morphed in place --- */
  const live = $("#live"), state = $("#state");
  const topics = (live?.dataset.live || "").split(" ").filter(Boolean);
  let good = new Date(), dirty = false, waiting = null, paused = false, mode = "off", poll = null;
  let pace = 1000, asked = 0; /* a page that is slow to make is asked for less often */
  const words = { live: "Live", polling: "Checking every 5 s", paused: "Paused", off: "Not live", stale: "" };
  const shown = (next) => {
    mode = next;
    if (!state) return;
    const at = stamp(good, root.dataset.clock === "local").slice(11);
    state.dataset.state = paused ? "paused" : mode;
    state.textContent = paused ? words.paused : mode === "stale" ? `Not updated since ${at}` : words[mode];
    const banner = $("#stale");
    banner.hidden = mode !== "stale" || paused;
    $("span", banner).textContent = `Not updated since ${at}. What you see may be old; it is tried again every 5 s.`;
  };
  const busy = () =>
    dialog?.open || chosen().length > 0 || (live.contains(document.activeElement) &&
      document.activeElement.matches("input:not([type=checkbox]),select,textarea"));
  const refresh = () => {
    if (!live || !dirty || paused || waiting) return;
    if (busy()) return void ($("#fresh").hidden = false);
    waiting = setTimeout(() => { waiting = null; refresh(); }, pace);
    dirty = false;
    $("#fresh").hidden = true;
    asked = performance.now();
    htmx.trigger($("#live"), "refresh");
  };
  const show = () => {
    chosen().forEach((box) => (box.checked = false));
    count();
    dirty = true;
    refresh();
  };
  const pause = () => {
    paused = !paused;
    shown(mode);
    if (!paused) { dirty = true; refresh(); }
  };
  const polling = (on) => {
    clearInterval(poll);
    poll = on ? setInterval(() => { if (!document.hidden) { dirty = true; refresh(); } }, 5000) : null;
  };
  if (live) {
    topics.forEach((topic) => document.addEventListener(topic, () => { dirty = true; refresh(); }));
    // What moved between the making of the page and the first hint was told to nobody: look again when something is under way.
    const moving = () => !!$("#toast, #live progress, #live .pill.f-blue, #live .pill.f-gray");
    document.addEventListener("htmx:sse:after:connection", () => { polling(false); dirty = mode !== "off" || moving(); shown("live"); refresh(); if (moving()) setTimeout(() => { dirty = true; refresh(); }, 2500); });
    const lost = (event) => {
      const id = event.target.id;
      if (id === "stream") { if (mode !== "stale") shown("polling"); if (!poll) polling(true); }
      if (id === "live") { shown("stale"); if (!poll) polling(true); }
    };
    ["htmx:sse:error", "htmx:sse:close", "htmx:error", "htmx:response:error"].forEach((name) => document.addEventListener(name, lost));
    document.addEventListener("htmx:before:swap", (event) => {
      const { ctx } = event.detail;
      if (ctx.response.raw.redirected) location.reload();
      if (ctx.sourceElement.id === "live" && (ctx.response.status !== 200 || ctx.response.raw.redirected)) event.preventDefault();
      if (ctx.sourceElement.id === "stream") event.preventDefault();
    });
    document.addEventListener("htmx:after:swap", (event) => {
      if (event.target.id !== "live") return;
      good = new Date();
      pace = Math.min(15000, Math.max(1000, 4 * (performance.now() - asked)));
      if (mode === "stale") shown("polling");
      tick();
      count();
      const text = $("#live").dataset.say;
      if (text) say(text);
    });
    setInterval(() => { if (mode === "live" && !document.hidden) good = new Date(); }, 5000);
  }

  /* --- what is said aloud: at most once in ten seconds --- */
  let said = "", saidAt = 0;
  const say = (text) => {
    if (text === said || (Date.now() - saidAt < 10000 && text !== "Copied")) return;
    said = text; saidAt = Date.now();
    $("#aloud").textContent = text;
  };

  /* --- keys: single letters, which can be switched off --- */
  const places = { h: "/", o: "/connectors/operations", d: "/connectors/operations/dlq", c: "/correlation/cases", a: "/approvals", s: "/connectors", t: "/schedules", k: "/hooks", i: "/identities", l: "/audit" };
  let go = false, row = -1;
  /* what a page gives a key of its own: an answer to choose, a way on */
  const named = (key) => (/^[a-z0-9]$/.test(key) && !$$("[data-row]")[row] ? $(`[data-key="${key}"]`) : null);
  const enter = () => { const form = $("form[data-enter]"); if (form && $("input[type=radio]:checked", form)) form.requestSubmit(); };
  const step = (by) => {
    const all = $$("[data-row]");
    if (!all.length) return;
    row = Math.max(0, Math.min(all.length - 1, row + by));
    all.forEach((r, i) => r.classList.toggle("at", i === row));
    all[row].scrollIntoView({ block: "nearest" });
    $("a", all[row])?.focus({ preventScroll: true });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || root.dataset.keys === "off" || dialog?.open) return;
    if (event.target.matches("input:not([type=checkbox],[type=radio]),select,textarea")) return;
    const key = event.key, own = named(key), here = $$("[data-row]")[row];
    if (go) { go = false; if (places[key]) location.href = places[key]; return; }
    if (key === "g") { go = true; setTimeout(() => (go = false), 1200); }
    else if (key === "/") { event.preventDefault(); ($("#q") || $("#find"))?.focus(); }
    else if (own) { event.preventDefault(); own.closest("details")?.setAttribute("open", ""); own.click(); (own.type === "radio" && $("input:not([type=radio])", own.closest("label")) || own).focus(); }
    else if (key === "j") step(1);
    else if (key === "k") step(-1);
    else if (key === "x" && here) { const box = $("input[name=id]", here); if (box) { box.checked = !box.checked; count(); } }
    else if (key === "r") $("[data-key=r]", here)?.click();
    else if (key === "Enter" && event.target === document.body) enter();
    else if (key === "?") help();
  });

  /* --- the message of one's own act: good news leaves by itself, unless looked at --- */
  const toast = $("#toast.good");
  if ($("#toast")) setTimeout(() => say($("#toast .grow")?.textContent.trim() || ""), 300);
  let leave = toast && setTimeout(() => toast.remove(), 6000);
  ["mouseenter", "focusin"].forEach((name) => toast?.addEventListener(name, () => clearTimeout(leave)));
  ["mouseleave", "focusout"].forEach((name) => toast?.addEventListener(name, () => { leave = setTimeout(() => toast.remove(), 3000); }));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") $("#toast")?.remove(); });

  /* a page that is shown again from memory can be sent again */
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    $$("form[data-sent]").forEach((form) => { delete form.dataset.sent; $$("button", form).forEach((b) => (b.disabled = false)); });
  });

  count();
  tick();
  setInterval(tick, 5000);
})();
