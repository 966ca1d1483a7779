/// xterm.js writes style elements, which a content security policy without 'unsafe-inline' refuses. Sheets made by
/// script are allowed: this document hands out, instead of a style element, one that fills such a sheet.
function styleCarrier(document: Document): HTMLElement {
  const sheet = new CSSStyleSheet();
  const carrier = document.createElement("span");
  carrier.hidden = true;
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  Object.defineProperty(carrier, "textContent", { set: (text: string) => sheet.replaceSync(text) });
  carrier.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    Element.prototype.remove.call(carrier);
  };
  return carrier;
}

export function documentForStyles(document: Document): Document {
  return new Proxy(document, {
    get(target, property) {
      if (property === "createElement") {
        return (name: string) => (name === "style" ? styleCarrier(target) : target.createElement(name));
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
