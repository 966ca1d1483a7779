// Runs before the first paint, so that a dark page never flashes white. Kept apart from the bundle: the content
// security policy allows no inline script.
(function () {
  var choice = "system";
  try {
    choice = localStorage.getItem("bhype.theme") || "system";
  } catch (e) {
    // Storage may be forbidden; the system's choice holds then.
  }
  var dark = choice === "dark" || (choice === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("pf-v6-theme-dark", dark);
})();
