/// A number field's text for the API. What is no number goes as it is: the server names the field and the rule.
export function numberInput(text: string): number {
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : (text as unknown as number);
}

/// The same for whole numbers: digits alone become one.
export const numberOrText = (text: string): number | string => (/^[0-9]+$/.test(text) ? Number(text) : text);
