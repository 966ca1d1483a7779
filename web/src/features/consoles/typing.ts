// Text as key presses. The guest turns keys into characters by its own layout, so the keys depend on it.
// A key is named by its place (UI Events KeyboardEvent.code) and by the keysym that a US keyboard has there.

export interface Press {
  keysym: number;
  code: string;
  shift: boolean;
  altGr: boolean;
}

export const layouts = { us: "US", gb: "British", de: "German", fr: "French" } as const;
export type Layout = keyof typeof layouts;

const codes = [
  "Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal",
  "KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight",
  "KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backslash",
  "KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash IntlBackslash",
].flatMap((row) => row.split(" "));

// In the order of `codes`: what each key gives alone, with Shift, with AltGr (a space: nothing).
const levels: Record<Layout, readonly string[]> = {
  us: [
    "`1234567890-=" + "qwertyuiop[]" + "asdfghjkl;'\\" + "zxcvbnm,./ ",
    "~!@#$%^&*()_+" + "QWERTYUIOP{}" + 'ASDFGHJKL:"|' + "ZXCVBNM<>? ",
  ],
  gb: [
    "`1234567890-=" + "qwertyuiop[]" + "asdfghjkl;'#" + "zxcvbnm,./\\",
    '¬!"£$%^&*()_+' + "QWERTYUIOP{}" + "ASDFGHJKL:@~" + "ZXCVBNM<>?|",
    "    €        " + "            " + "            " + "           ",
  ],
  de: [
    " 1234567890ß " + "qwertzuiopü+" + "asdfghjklöä#" + "yxcvbnm,.-<",
    '°!"§$%&/()=? ' + "QWERTZUIOPÜ*" + "ASDFGHJKLÖÄ'" + "YXCVBNM;:_>",
    "  ²³   {[]}\\ " + "@ €        ~" + "            " + "      µ   |",
  ],
  fr: [
    "²&é\"'(-è_çà)=" + "azertyuiop $" + "qsdfghjklmù*" + "wxcvbn,;:!<",
    " 1234567890°+" + "AZERTYUIOP £" + "QSDFGHJKLM%µ" + "WXCVBN?./§>",
    "   #{[| \\ @]}" + "  €         " + "            " + "           ",
  ],
};

const usKeysym = (code: string, shift: boolean): number => {
  const index = codes.indexOf(code);
  // The extra key of ISO keyboards has no US character; its own keysym on most is "less".
  return code === "IntlBackslash" ? (shift ? 0x3e : 0x3c) : (levels.us[shift ? 1 : 0]!.charCodeAt(index) || 0);
};

const special: Record<string, Press> = {
  "\n": { keysym: 0xff0d, code: "Enter", shift: false, altGr: false },
  "\t": { keysym: 0xff09, code: "Tab", shift: false, altGr: false },
  " ": { keysym: 0x20, code: "Space", shift: false, altGr: false },
};

/// The key presses for `text`, and the characters that this layout has no single key for.
export function typeText(text: string, layout: Layout): { presses: Press[]; missing: string[] } {
  const presses: Press[] = [];
  const missing = new Set<string>();
  for (const character of text.replaceAll("\r\n", "\n")) {
    const fixed = special[character];
    if (fixed) {
      presses.push(fixed);
      continue;
    }
    const level = levels[layout].findIndex((row) => [...row].includes(character));
    if (level < 0) {
      missing.add(character);
      continue;
    }
    const code = codes[[...levels[layout][level]!].indexOf(character)]!;
    presses.push({ keysym: usKeysym(code, level === 1), code, shift: level === 1, altGr: level === 2 });
  }
  return { presses, missing: [...missing] };
}
