import { describe, expect, it } from "vitest";

import { allVisible, visible } from "../src/visible";

describe("what others wrote", () => {
  it.each([
    ["team/api:v1.2", "team/api:v1.2"],
    ["héllo 日本 😀 हिन्दी", "héllo 日本 😀 हिन्दी"],
    ["\u001b[31mred", "\\x1b[31mred"],
    ["two\nlines\r\t", "two\\nlines\\r\\t"],
    ["\u202egpj.exe", "\\u202egpj.exe"],
    ["ze\u200bro\u00ad", "ze\\u200bro\\xad"],
    ["no\u00a0break", "no\\xa0break"],
    ["\ufeff\u2028\u3164\ufe0f", "\\ufeff\\u2028\\u3164\\ufe0f"],
    ["\u{e0041}\u{e0100}", "\\U000e0041\\U000e0100"],
    ["\ud800", "\\ud800"],
  ])("%j is shown as %j", (text, shown) => {
    expect(visible(text)).toBe(shown);
    expect(visible(shown)).toBe(shown);
  });

  it("is shown so wherever it stands in a value", () => {
    expect(allVisible({ a: ["\u202e", { "b\n": "\u200b" }], c: null, d: 1, e: true })).toEqual({
      a: ["\\u202e", { "b\\n": "\\u200b" }],
      c: null,
      d: 1,
      e: true,
    });
  });
});
