/* An editor over a textarea: a margin with lines and marks, checks while one writes, completion, trials in place.

   .editor[data-check-url]       is asked, with the form, what is wrong: {ok, refused, functions, diagnostics: [{line, column, severity, message}]}
          [data-completions]     where the offers come from: [{key, insert, detail, doc}]
          [data-diagnostics]     the element that shows what was found
   form[data-answer]             its answers come into this element instead of a new page
   input[data-people]            its datalist is filled while one writes
   a[data-line]                  goes to this place of the script

   All of it works without this file, as a form whose buttons bring the page back with the answer. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const element = (name, properties = {}, ...inside) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...inside);
    return made;
  };
  const icon = (name) => {
    const space = "http://www.w3.org/2000/svg", known = $("svg.i use").getAttribute("href").split("#")[0];
    const svg = document.createElementNS(space, "svg"), use = document.createElementNS(space, "use");
    svg.setAttribute("class", "i");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${known}#${name}`);
    svg.append(use);
    return svg;
  };
  const later = (wait, act) => {
    let timer = null;
    return () => { clearTimeout(timer); timer = setTimeout(act, wait); };
  };
  const say = (text) => { $("#aloud").textContent = text; };
  const aborted = (error) => error.name === "AbortError";
  const SEVERITY = { error: ["red", "failed"], warning: ["amber", "warn"] };
  const INDENT = "    ";

  /* --- places of a text --- */
  const place = (text, line, column) => {
    const lines = text.split("\n");
    const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    return Math.min(text.length, before + [...(lines[line - 1] || "")].slice(0, Math.max(0, column - 1)).join("").length);
  };
  const lineHeight = (area) => parseFloat(getComputedStyle(area).lineHeight);
  const goTo = (area, line, column) => {
    const at = place(area.value, line, column || 1);
    area.focus();
    area.setSelectionRange(at, at);
    area.scrollTop = Math.max(0, (line - 4) * lineHeight(area));
    area.scrollIntoView({ block: "nearest" });
  };

  /* --- writing: kept in the browser's own history, so that undo works --- */
  const write = (area, text) => {
    if (!document.execCommand("insertText", false, text)) area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
  };
  const indent = (area) => {
    const from = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1, to = area.selectionEnd;
    if (!area.value.slice(area.selectionStart, to).includes("\n")) {
      const column = area.selectionStart - from;
      return write(area, INDENT.slice(column % INDENT.length));
    }
    const lines = area.value.slice(from, to).replace(/^(?=.)/gm, INDENT);
    area.setSelectionRange(from, to);
    write(area, lines);
    area.setSelectionRange(from, from + lines.length);
  };
  const newline = (area) => {
    const before = area.value.slice(0, area.selectionStart), line = before.slice(before.lastIndexOf("\n") + 1);
    write(area, "\n" + /^[ \t]*/.exec(line)[0] + (/:\s*$/.test(line) ? INDENT : ""));
  };

  /* --- the margin --- */
  const margin = (editor, area) => {
    const strip = element("div", { className: "margin" });
    strip.setAttribute("aria-hidden", "true");
    editor.prepend(strip);
    const draw = () => {
      const wanted = area.value.split("\n").length;
      while (strip.childElementCount < wanted) strip.append(element("span", { textContent: strip.childElementCount + 1 }));
      while (strip.childElementCount > wanted) strip.lastChild.remove();
    };
    const follow = () => { strip.scrollTop = area.scrollTop; };
    area.addEventListener("input", draw);
    area.addEventListener("scroll", follow);
    draw();
    return (found) => {
      [...strip.children].forEach((line) => { line.className = ""; line.title = ""; });
      found.forEach((each) => {
        const line = strip.children[each.line - 1];
        if (line && line.className !== "f-red") line.className = `f-${(SEVERITY[each.severity] || SEVERITY.warning)[0]}`;
        if (line) line.title = each.message;
      });
    };
  };

  /* --- checks while one writes --- */
  const counted = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
  const verdict = (found) => {
    if (found.refused || found.told) return found.refused || found.told;
    const errors = found.diagnostics.filter((each) => each.severity === "error").length, others = found.diagnostics.length - errors;
    const parts = [errors && counted(errors, "mistake"), others && counted(others, "remark")].filter(Boolean);
    if (parts.length) return `${parts.join(", ")}.`;
    return found.functions?.length ? `No mistake found. It defines ${found.functions.join(", ")}.` : "No mistake found.";
  };
  const shown = (list, found, area) => {
    const places = found.diagnostics.map((each) => {
      const [family, name] = SEVERITY[each.severity] || SEVERITY.warning;
      const link = element("a", { href: `#${area.id}` }, icon(name), `Line ${each.line}, column ${each.column}`);
      Object.assign(link.dataset, { line: each.line, column: each.column });
      return element("li", { className: `f-${family}` }, link, each.message);
    });
    list.hidden = false;
    list.replaceChildren(element("p", { className: "verdict", textContent: verdict(found) }), element("ul", { className: "places" }, ...places));
  };
  const checking = (editor, area, mark) => {
    const list = $(editor.dataset.diagnostics);
    let running = null, told = "";
    const check = async () => {
      running?.abort();
      running = new AbortController();
      try {
        const body = new URLSearchParams(new FormData(area.form));
        const answer = await fetch(editor.dataset.checkUrl, { method: "POST", body, signal: running.signal });
        if (answer.redirected || !answer.ok) throw new Error("not checked");
        const found = await answer.json();
        mark(found.diagnostics);
        shown(list, found, area);
        const text = verdict(found) + found.diagnostics.slice(0, 1).map((each) => ` Line ${each.line}: ${each.message}`).join("");
        if (text !== told) say((told = text));
      } catch (error) {
        if (!aborted(error)) shown(list, { refused: "It could not be checked just now.", diagnostics: [] }, area);
      }
    };
    area.addEventListener("input", later(500, check));
    if (area.value.trim()) check();
  };

  /* --- completion: a list below the caret; the focus stays in the text --- */
  const WORD = /[A-Za-z_][\w.]*(?:\[["']?[\w.]*["']?\]?)*[\w.]*$/;
  const dotted = (text) => text.replace(/\[["']?/g, ".").replace(/["']?\]/g, "").replace(/["']/g, "");
  const completing = (editor, area) => {
    const list = element("ul", { className: "offers", id: "offers", role: "listbox", hidden: true });
    list.setAttribute("aria-label", "What can stand here");
    editor.append(list);
    area.setAttribute("aria-autocomplete", "list");
    area.setAttribute("aria-controls", "offers");
    let offers = null, matches = [], at = 0, chosen = false, word = "";
    const load = async () => {
      offers = offers || fetch(editor.dataset.completions).then((answer) => (answer.ok && !answer.redirected ? answer.json() : [])).catch(() => []);
      return offers;
    };
    const close = () => {
      list.hidden = true;
      area.removeAttribute("aria-activedescendant");
    };
    const point = (to) => {
      at = (to + matches.length) % matches.length;
      $$("li", list).forEach((line, n) => line.setAttribute("aria-selected", n === at));
      area.setAttribute("aria-activedescendant", `offer-${at}`);
      list.children[at].scrollIntoView({ block: "nearest" });
    };
    const put = () => {
      const before = area.value.slice(0, area.selectionStart), line = before.slice(before.lastIndexOf("\n") + 1);
      const style = getComputedStyle(area), pen = document.createElement("canvas").getContext("2d");
      pen.font = style.font;
      const left = area.offsetLeft + parseFloat(style.paddingLeft) + pen.measureText(line.slice(0, line.length - word.length)).width - area.scrollLeft;
      const row = before.split("\n").length, below = area.offsetTop + parseFloat(style.paddingTop) + row * lineHeight(area) - area.scrollTop;
      const floor = editor.getBoundingClientRect().top + below + list.offsetHeight;
      const room = floor < innerHeight - 8 || below < list.offsetHeight + lineHeight(area);
      list.style.left = `${Math.max(0, Math.min(left, editor.clientWidth - list.offsetWidth))}px`;
      list.style.top = `${room ? below : below - lineHeight(area) - list.offsetHeight}px`;
    };
    const open = async (asked) => {
      const before = area.value.slice(0, area.selectionStart);
      word = WORD.exec(before)?.[0] || "";
      const wanted = dotted(word).toLowerCase();
      if (area.selectionStart !== area.selectionEnd || (!asked && wanted.length < 2)) return close();
      const all = await load();
      const starts = all.filter((each) => each.key.toLowerCase().startsWith(wanted) && each.key !== wanted);
      const holds = wanted.length > 2 ? all.filter((each) => !starts.includes(each) && each.key.toLowerCase().includes(`.${wanted}`)) : [];
      matches = [...starts, ...holds].slice(0, 40);
      if (!matches.length) return close();
      chosen = asked;
      list.replaceChildren(...matches.map((each, n) => {
        const line = element("li", { id: `offer-${n}`, title: each.doc }, element("b", { textContent: each.key }), element("span", { textContent: each.doc || each.detail }));
        line.setAttribute("role", "option");
        return line;
      }));
      list.hidden = false;
      point(0);
      put();
      say(`${counted(matches.length, "suggestion")}: ${matches[0].key}. Tab takes it.`);
    };
    const take = (n) => {
      const end = area.selectionStart, rest = /^["']?\]?/.exec(area.value.slice(end))[0];
      area.setSelectionRange(end - word.length, end + (word.includes("[") ? rest.length : 0));
      write(area, matches[n].insert);
      close();
    };
    list.addEventListener("pointerdown", (event) => {
      const line = event.target.closest("li");
      event.preventDefault();
      if (line) take([...list.children].indexOf(line));
    });
    area.addEventListener("input", (event) => {
      if (event.inputType === "insertText" && /[\w.\["']/.test(event.data || "")) return void open(false);
      if (event.inputType?.startsWith("delete") && !list.hidden) return void open(false);
      close();
    });
    area.addEventListener("blur", close);
    area.addEventListener("scroll", close);
    area.addEventListener("click", close);
    return (event) => {
      if (event.key === " " && event.ctrlKey) { open(true); return true; }
      if (list.hidden) return false;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        chosen = true;
        point(at + (event.key === "ArrowDown" ? 1 : -1));
        return true;
      }
      if (event.key === "Escape") { close(); return true; }
      if ((event.key === "Tab" && !event.shiftKey) || (event.key === "Enter" && chosen)) { take(at); return true; }
      if (["ArrowLeft", "ArrowRight", "Home", "End", "Enter"].includes(event.key)) close();
      return false;
    };
  };

  /* --- one editor --- */
  const edit = (editor) => {
    const area = $("textarea", editor);
    const mark = margin(editor, area);
    if (area.readOnly) return;
    if (editor.dataset.checkUrl) checking(editor, area, mark);
    const offered = editor.dataset.completions ? completing(editor, area) : () => false;
    let leaving = false; /* after Escape the next Tab leaves: nobody is caught in here */
    let clean = area.value;
    area.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (offered(event)) return event.preventDefault();
      if (event.key === "Escape") { leaving = true; say("Tab leaves the editor."); return; }
      if (event.key === "Tab" && !event.shiftKey && !event.ctrlKey && !event.altKey && !leaving) {
        event.preventDefault();
        indent(area);
      } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        newline(area);
      }
      if (event.key !== "Shift") leaving = false;
    });
    area.form.addEventListener("submit", (event) => { if (event.submitter?.value === "save") clean = area.value; });
    addEventListener("beforeunload", (event) => { if (area.value !== clean) event.preventDefault(); });
  };
  $$(".editor").forEach(edit);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-line]"), area = link && $(link.hash);
    if (!area) return;
    event.preventDefault();
    goTo(area, Number(link.dataset.line), Number(link.dataset.column));
  });

  /* --- answers in place; whatever is not an answer is a page, and shown as one --- */
  document.addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter, home = form.dataset.answer && $(form.dataset.answer);
    if (!home || !button || button.value === "save") return;
    event.preventDefault();
    home.setAttribute("aria-busy", "true");
    try {
      const body = new URLSearchParams(new FormData(form, button));
      const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Part": "answer" } });
      if (answer.redirected) return void location.reload();
      const text = await answer.text();
      if (answer.ok) home.innerHTML = text;
      else home.replaceChildren(element("p", { className: "banner f-red", textContent: $("p", new DOMParser().parseFromString(text, "text/html"))?.textContent || "It did not work." }));
      home.firstElementChild?.scrollIntoView({ block: "nearest" });
    } catch {
      home.replaceChildren(element("p", { className: "banner f-red", textContent: "The server does not answer. What you wrote is still here." }));
    } finally {
      home.removeAttribute("aria-busy");
      setTimeout(() => { button.disabled = false; }); /* after whoever disables it */
    }
  });

  /* --- names of people while one writes one --- */
  $$("input[data-people]").forEach((field) => {
    const fill = later(250, async () => {
      const answer = await fetch(`${field.dataset.people}?q=${encodeURIComponent(field.value.trim())}`).catch(() => null);
      if (!answer?.ok || answer.redirected) return;
      const found = await answer.json();
      field.list.replaceChildren(...found.map((each) => element("option", { value: each.value, label: each.label })));
    });
    field.addEventListener("input", fill);
    field.addEventListener("focus", fill, { once: true });
  });
})();
