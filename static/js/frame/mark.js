// Styles know that scripts run. Everything also works without them.
document.documentElement.classList.add("js");
