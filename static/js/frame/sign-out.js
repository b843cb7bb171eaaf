// Signing out discards this desk's drafts, because computers may be shared. Asks for
// confirmation first.
document.querySelector("[data-sign-out]")?.addEventListener("submit", (event) => {
  const drafts = Object.keys(localStorage).filter((key) => key.startsWith(`docket-draft-${document.body.dataset.desk}-`));
  if (drafts.length && !confirm("Text that you have not saved is kept in this browser. Sign out and discard it?")) {
    event.preventDefault();
    return;
  }
  for (const key of drafts) localStorage.removeItem(key);
}, { capture: true });
