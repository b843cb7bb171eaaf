// Improvements for every page. Everything also works without scripts.

// First, so that its listener runs before all others.
import "./frame/input-method.js";
import "./frame/announcements.js";
import "./frame/auto-submit.js";
import "./frame/copying.js";
import "./frame/editors.js";
import "./frame/keys.js";
import "./frame/lengths.js";
import "./frame/menus.js";
import "./frame/sending.js";
import "./frame/sign-out.js";
import "./frame/stray-files.js";
import "./frame/times.js";
import "./save.js";
import "./toast.js";

document.documentElement.classList.add("js");
