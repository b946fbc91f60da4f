// What pages do beyond links and forms. All of it works without this, only slower.
"use strict";

(() => {
  const closest = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);

  // Menus are <details>: one open at a time, closed by Escape or a click beside it.
  document.addEventListener("click", (event) => {
    const inside = closest(event, "details.menu");
    for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== inside) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    }
    // As in most pages with a search box.
    if (event.key === "/" && !closest(event, "input, textarea, select, [contenteditable]")) {
      const search = document.querySelector("input[type=search]");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    }
  });

  // Toasts leave by themselves, unless there is something in them to click or they are being read.
  const watch = (toast) => {
    const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : toast.remove());
    if (toast.dataset.leaves) setTimeout(leave, Number(toast.dataset.leaves));
  };
  document.addEventListener("click", (event) => {
    const closing = closest(event, "[data-close]");
    if (!closing) return;
    const dialog = closing.closest("dialog");
    if (dialog) {
      event.preventDefault();
      dialog.close();
    } else closing.closest(".toast").remove();
  });
  const met = new WeakSet();
  const look = () => {
    for (const toast of document.querySelectorAll(".toast"))
      if (!met.has(toast)) {
        met.add(toast);
        watch(toast);
      }
    // The tab that is shown is in sight, where there is no room for all.
    for (const shown of document.querySelectorAll(".tabs [aria-current]"))
      if (!met.has(shown)) {
        met.add(shown);
        shown.parentElement.scrollLeft = shown.offsetLeft - (shown.parentElement.clientWidth - shown.offsetWidth) / 2;
      }
    // A dialog that came with the page, or with an answer, is shown as one.
    for (const dialog of document.querySelectorAll("dialog[data-modal][open]"))
      if (!dialog.matches(":modal")) {
        dialog.close();
        dialog.showModal();
      }
    count();
  };

  // Whoever closes a dialog is where they were: htmx moves the focus into it before it is shown as one.
  let opener = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "dialog") opener = document.activeElement;
  });
  document.addEventListener(
    "close",
    (event) => {
      if (!event.target.matches("#dialog dialog") || !opener || event.target.open) return;
      if (opener.isConnected) opener.focus();
      opener = null;
    },
    true,
  );

  // Ticks: the bar of actions says how many; shift takes all between; the box on top takes the page.
  let last = null;
  const boxes = (form) => [...form.querySelectorAll("tbody .tick input")];
  const count = () => {
    for (const form of document.querySelectorAll("form[data-ticks]")) {
      const all = boxes(form);
      const ticked = all.filter((box) => box.checked).length;
      const top = form.querySelector("thead .tick input");
      if (top) {
        top.checked = ticked > 0 && ticked === all.length;
        top.indeterminate = ticked > 0 && ticked < all.length;
      }
      const bar = form.querySelector(".selection");
      if (!bar) continue;
      const every = form.querySelector("input[name=every]");
      if (every && ticked < all.length) every.checked = false;
      bar.hidden = ticked === 0;
      const offer = bar.querySelector("[data-every]");
      if (offer) offer.hidden = all.length === 0 || ticked < all.length;
      const said = bar.querySelector("[data-count]");
      const number = every && every.checked ? said.dataset.total : new Intl.NumberFormat(document.documentElement.lang).format(ticked);
      said.textContent = said.dataset.count.replace("{}", number);
    }
  };
  document.addEventListener("click", (event) => {
    const box = closest(event, ".tick input");
    if (!box) return;
    const all = boxes(box.form);
    if (box.closest("thead")) for (const one of all) one.checked = box.checked;
    else if (event.shiftKey && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      for (const one of all.slice(from, to + 1)) one.checked = box.checked;
    }
    last = box.closest("thead") ? null : box;
    count();
  });
  document.addEventListener("change", count);

  // What changed elsewhere shows here: `<div id="list" data-live="leads" data-from="/capacity">` is asked for again when
  // the server tells another digest of the topic. Nobody loses a place: a part that somebody is in waits for them.
  // What is told first may have changed since the page was made: the page says what it is of.
  const digests = new Map(Object.entries(JSON.parse(document.body.dataset.digests || "{}")));
  const late = new Set();
  let stream = null;
  const inUse = (part) => document.querySelector("dialog[open]") || part.querySelector("tbody .tick input:checked, input:not([type=checkbox]):focus, select:focus, textarea:focus, :focus-visible");
  const catchUp = () => {
    for (const topic of late) {
      const parts = [...document.querySelectorAll(`[data-live~="${topic}"]`)];
      if (parts.some(inUse)) continue;
      late.delete(topic);
      for (const part of parts)
        window.htmx.ajax("GET", part.dataset.from, { source: part.matches("form") ? part.parentElement : part, target: part, select: `#${part.id}`, swap: "outerHTML", headers: { "X-Live": topic } });
    }
  };
  // Nobody asked, so nothing is dimmed.
  document.addEventListener("htmx:beforeSend", (event) => {
    if (event.detail.requestConfig.headers["X-Live"]) event.detail.elt.classList.remove("htmx-request");
  });
  // Whoever began something in it while its new state was on its way keeps it, too.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const topic = event.detail.requestConfig.headers["X-Live"];
    if (!topic || !inUse(event.detail.target)) return;
    event.detail.shouldSwap = false;
    late.add(topic);
  });
  const listen = () => {
    const topics = new Set([...document.querySelectorAll("[data-live]")].flatMap((part) => part.dataset.live.split(" ")));
    // A browser has six connections to a server: pages that nobody looks at leave theirs to others.
    const wanted = topics.size > 0 && document.visibilityState === "visible" && window.htmx;
    if (!wanted && stream) {
      stream.close();
      stream = null;
    }
    if (!wanted || stream) return;
    stream = new EventSource(`/live?portal=${document.body.dataset.portal}&${[...topics].map((topic) => `of=${topic}`).join("&")}`);
    for (const topic of topics)
      stream.addEventListener(topic, (event) => {
        if (digests.has(topic) && digests.get(topic) !== event.data) late.add(topic);
        digests.set(topic, event.data);
        catchUp();
      });
  };
  document.addEventListener("visibilitychange", listen);
  document.addEventListener("focusout", () => setTimeout(catchUp, 0));
  document.addEventListener("change", catchUp);
  document.addEventListener("close", catchUp, true);

  document.addEventListener("htmx:afterSettle", look);
  // What went wrong with a part of a page comes as a notice: the page stays as it was, with what was typed.
  document.addEventListener("htmx:responseError", (event) => {
    const part = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html").querySelector(".toast");
    if (part) document.getElementById("toasts").append(part);
    look();
  });
  document.addEventListener("htmx:sendError", () => {
    const offline = document.getElementById("offline");
    // Once, however often somebody tries.
    if (offline && !document.querySelector("#toasts .toast.bad"))
      document.getElementById("toasts").append(offline.content.cloneNode(true));
    look();
  });
  // Came back to by the back button: what is shown may be of before, or of somebody who signed out since.
  window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
  look();
  listen();
})();
