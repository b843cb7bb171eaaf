// The panel and its events.

// Black or white, whichever has more contrast on the colour (WCAG relative luminance).
const inkOn = (colour) => {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
};

const directionOf = (language) => {
  try {
    const locale = new Intl.Locale(language);
    return (locale.getTextInfo?.() ?? locale.textInfo).direction;
  } catch {
    return "auto";
  }
};

const build = () => {
  const field = (name, type) => {
    const input = make("input", { type, autocomplete: name, dir: "auto" });
    input.value = chat()[name];
    on(input, "input", () => {
      const value = input.value.trim();
      const isTooLong = [...value].length > LONGEST_FIELD;
      // The text names the limit for messages, so replace the number with that for fields.
      input.setCustomValidity(isTooLong ? texts.tooLong.replace(/\p{Nd}+\P{Nd}?\p{Nd}{3}/u, LONGEST_FIELD) : "");
      // Every message includes the stored values, and the server refuses longer ones.
      if (!isTooLong) change((now) => (now[name] = value));
    });
    return make("label", {}, texts[name], input);
  };
  const close = make("button", { type: "button", class: "close", "aria-label": texts.close }, icon("M6 6l12 12M18 6L6 18"));
  const header = make("header", {}, make("h2", {}, texts.title), close);
  const welcome = make("p", { class: "welcome", dir: "auto" }, texts.welcome);
  const earlier = make("button", { type: "button", class: "earlier" }, texts.earlier);
  const log = make("div", { role: "log", "aria-live": "polite", "aria-label": texts.title });
  const scroll = make("div", { class: "scroll", tabindex: 0 }, welcome, earlier, log);
  const notice = make("p", { class: "notice", role: "status", dir: "auto" });
  const fields = make("div", { class: "fields" });
  if (config.askName) fields.append(field("name", "text"));
  if (config.askEmail) fields.append(field("email", "email"));
  const area = make("textarea", { rows: 2, dir: "auto", placeholder: texts.placeholder, "aria-label": texts.placeholder, enterkeyhint: "send" });
  const picker = make("input", { type: "file", multiple: "", accept: config.files, "aria-label": texts.attach, title: texts.attach });
  const attach = make("span", { class: "attach" }, icon("M20 11l-8.5 8.4a5 5 0 0 1-7.2-7L13 3.8a3.3 3.3 0 0 1 4.8 4.7l-8.6 8.4a1.7 1.7 0 0 1-2.4-2.3L14.5 7"), picker);
  const chosenList = make("ul", { class: "chosen", hidden: "" });
  const form = make("form", { novalidate: "" }, fields, chosenList, area, attach, make("button", { class: "send" }, texts.send));
  const panel = make("section", { id: "panel", class: "panel", role: "dialog", "aria-label": texts.title, dir: directionOf(config.language) }, header, scroll, notice, form);
  const badge = make("span", { class: "badge", "aria-hidden": "true" });
  const button = make("button", { type: "button", class: "bubble", "aria-controls": "panel", "aria-haspopup": "dialog" }, icon("M5 5h14v11h-8l-4 3.5V16H5z"), badge);
  const say = make("p", { class: "say", role: "status" });
  // The page's direction determines the corner, the language the direction of the panel.
  const corner = getComputedStyle(doc.body ?? doc.documentElement).direction;
  const root = make("div", { class: "root", lang: config.language, dir: corner }, panel, button, say);
  const host = make("docket-chat", { popover: "manual" });
  const shadow = host.attachShadow({ mode: "closed" });
  const sheet = new CSSStyleSheet();
  const accent = /^#[0-9a-f]{6}$/i.test(config.colour) ? config.colour : "#2457c5";
  sheet.replaceSync(STYLE);
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(root);
  root.style.setProperty("--accent", accent);
  root.style.setProperty("--accent-ink", inkOn(accent));
  area.value = chat().draft;
  return { area, badge, button, chosen: chosenList, close, picker, earlier, fields, form, host, log, notice, panel, root, say, scroll, shadow, welcome };
};

// Whether the key belongs to an input method. Safari ends a composition before it reports
// the key that ended it, as 229.
const isComposing = (event) => event.isComposing || event.keyCode === 229;

const wire = () => {
  const { area, button, close, earlier, form, host, panel, picker, scroll } = view;
  on(button, "click", () => toggle(!isOpen));
  on(close, "click", () => toggle(false));
  on(earlier, "click", loadEarlier);
  on(scroll, "scroll", measure);
  new ResizeObserver(keepEnd).observe(scroll);
  on(form, "submit", (event) => {
    event.preventDefault();
    submit();
  });
  on(area, "input", () => {
    change((now) => (now.draft = area.value));
    renderNotice();
  });
  on(picker, "change", () => addFiles(picker.files));
  on(area, "paste", ({ clipboardData }) => {
    if (!clipboardData?.types.includes("text/plain")) addFiles(clipboardData?.files ?? []);
  });
  on(panel, "dragover", (event) => event.preventDefault());
  on(panel, "drop", (event) => {
    event.preventDefault();
    addFiles(event.dataTransfer?.files ?? []);
  });
  on(area, "keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
    event.preventDefault();
    submit();
  });
  on(panel, "keydown", (event) => {
    if (event.key === "Escape" && !isComposing(event)) toggle(false);
  });
  // Typing here must not trigger the page's shortcuts.
  on(host, "keydown keypress keyup", (event) => event.stopPropagation());
};

// Keeps the bubble in the page and in the top layer, above any z-index, even if the page's
// scripts remove it. The delay prevents an endless loop with a script that removes it
// again.
const stay = () => {
  const { host } = view;
  const place = () => {
    if (!host.isConnected) doc.documentElement.append(host);
    observer.observe(doc.documentElement, { childList: true });
    if (host.showPopover && !host.matches(":popover-open")) host.showPopover();
  };
  const observer = new MutationObserver(() => host.isConnected || setTimeout(place, 50));
  observer.observe(document, { childList: true });
  on(host, "toggle", ({ newState }) => newState === "closed" && setTimeout(place, 50));
  place();
};

// A phone's keyboard covers the page without resizing it.
const fit = () => {
  const { height, offsetTop, scale } = visualViewport;
  const isZoomed = scale > 1.01;
  view.root.style.setProperty("--height", isZoomed ? "100dvh" : `${height}px`);
  view.root.style.setProperty("--top", isZoomed ? "0px" : `${offsetTop}px`);
};

const watch = () => {
  let leaving;
  on(document, "visibilitychange", () => {
    clearTimeout(leaving);
    render();
    if (doc.hidden) leaving = setTimeout(hangUp, LINGER);
    else hasten();
  });
  // An open stream would keep the page out of the back-forward cache.
  on(window, "pagehide", () => {
    hangUp();
    leave();
  });
  on(window, "pageshow", ({ persisted }) => persisted && hasten());
  on(window, "offline", () => trouble({}));
  on(window, "online", () => {
    calm();
    hasten();
  });
  on(window, "storage", (event) => {
    if (event.key !== null && event.key !== chatKey) return;
    const now = chat();
    if (doc.hidden) view.area.value = now.draft;
    render();
    // Another tab reports that the conversation is gone, so load it again.
    if (!now.known && head > 0) {
      loaded = false;
      hasten();
    }
    listen();
  });
  on(visualViewport, "resize scroll", fit);
};

// Why the page shows no bubble, and what the website's owner can do.
const reasonOf = ({ status, message }) => {
  if (status === 403) return `${desk} does not allow this website. Add ${location.origin} to the bubble's websites in the desk's settings.`;
  if (status === 404) return `${desk} has no bubble with the key "${key}", or it is switched off. Copy the script again from the desk's settings.`;
  return `no answer from ${desk} (${message}). Check that address, and that the page's Content-Security-Policy allows it in connect-src.`;
};

const start = async () => {
  for (let failures = 0; !config; failures += 1) {
    try {
      const response = await fetch(`${address}/config`, { credentials: "omit" });
      if (!response.ok) throw refusal(response);
      const answer = await response.json();
      if (!answer?.texts) throw new Error("not our server");
      config = answer;
    } catch (error) {
      if (!mayPass(error) || failures > 4) return warn(reasonOf(error));
      await pause().sleep(delay(error, failures + 1));
    }
  }
  texts = config.texts;
  view = build();
  wire();
  stay();
  watch();
  fit();
  render();
  setTimeout(render, LOST);
  if (isOpen) view.area.focus();
  listen();
  pump();
};

// Also marks that the bubble is installed: a second script finds it and does nothing.
window.Docket = Object.freeze({ open: () => toggle(true), close: () => toggle(false) });
start();
