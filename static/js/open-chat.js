// The hosted page of a chat opens it at once. Its script may come later than this one.
const open = () => (window.Docket ? window.Docket.open() : setTimeout(open, 50));
open();
