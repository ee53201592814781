/** Text for a spreadsheet: what begins like a formula stands behind an apostrophe, and is text. */
export function csvText(rows: (string | number | null)[][]): string {
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function cell(value: string | number | null): string {
  if (value === null) {
    return "";
  }
  const text = typeof value === "string" && /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The name of a file that says what it holds, in letters that every file system takes. */
export function csvName(...parts: (string | null)[]): string {
  const name = parts
    .filter((part) => part !== null && part !== "")
    .map((part) => String(part).replace(/[^A-Za-z0-9.-]+/g, "-").replace(/^[-.]+|[-.]+$/g, ""))
    .join("_");
  return `${name.slice(0, 120) || "ecr"}.csv`;
}

/** Hand a text to the browser as a file. */
export function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
