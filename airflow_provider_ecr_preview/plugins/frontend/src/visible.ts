/**
 * What others wrote, such as rule descriptions and tags, is shown so that nothing in it acts upon the page or the reader's eye:
 * marks that turn the direction of writing, characters without width and control characters are written out, as in `\u202e`.
 */

const ASCII = /^[\x20-\x7e]*$/;
/** As the logs have it: what is not printable, and what is and is shown as nothing. */
const UNSEEN =
  /[\p{C}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]|(?! )\p{Zs}/gu;
const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

export function visible(text: string): string {
  return ASCII.test(text) ? text : text.replace(UNSEEN, (character) => NAMED[character] ?? escaped(character));
}

/** The same of every text in a value of plain JSON. */
export function allVisible<T>(value: T): T {
  if (typeof value === "string") {
    return visible(value) as T;
  }
  if (Array.isArray(value)) {
    return value.map(allVisible) as T;
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [visible(key), allVisible(part)])) as T;
  }
  return value;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return `\\${letter}${code.toString(16).padStart(Number(digits), "0")}`;
}
