// Silent browser notifications for events while no tab of the desk is visible. Users turn
// them on with a click, for this browser only.

const { desk, user, home } = document.body.dataset;
const KEY = `docket-notify-${desk}`;
const button = document.querySelector("[data-notify]");
const isOn = () => localStorage.getItem(KEY) === user && Notification.permission === "granted";

const show = () => {
  if (!button) return;
  button.hidden = false;
  button.disabled = Notification.permission === "denied";
  const words = isOn() ? "Notifications are on: switch off" : "Notify me in this browser";
  button.textContent = button.disabled ? "Notifications are blocked in this browser" : words;
};

const WORDS = {
  message: (news) => news.from === "visitor" && [news.visitor, news.preview, `/conversations/${news.conversation}`],
  submission: (news) => news.visitor && [`${news.visitor} sent a form`, news.preview, `/submissions/${news.submission}`],
  assigned: (news) => String(news.to) === user && [`${news.by} assigned #${news.number} to you`, news.title, `/tickets/${news.number}`],
};

if ("Notification" in window && isSecureContext) {
  show();
  button?.addEventListener("click", async () => {
    if (isOn()) localStorage.removeItem(KEY);
    else if ((await Notification.requestPermission()) === "granted") localStorage.setItem(KEY, user);
    show();
  });
  document.addEventListener("docket:live", ({ detail }) => {
    const words = !detail.watched && isOn() && WORDS[detail.name]?.(detail);
    if (!words) return;
    const [title, body, path] = words;
    try {
      // Every tab uses the same tag, so users see the notification once.
      const note = new Notification(title, { body, tag: `docket-${desk}${path}`, silent: true });
      note.addEventListener("click", () => {
        focus();
        location.assign(home + path);
        note.close();
      });
    } catch {
      // Some mobile browsers allow notifications only for installed apps.
    }
  });
}
