import { useState } from "react";

/** A text, such as a digest, with a button that copies all of it. */
export function Copy({ text, shown = text }: { text: string; shown?: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = () => {
    // Not there where the page came over plain HTTP; the text can still be selected.
    void navigator.clipboard?.writeText(text).then(() => setIsCopied(true));
  };
  return (
    <span className="copy">
      <code title={text}>{shown}</code>{" "}
      <button className="link" type="button" aria-label={`Copy ${shown}`} onClick={copy} onBlur={() => setIsCopied(false)}>
        {isCopied ? "copied" : "copy"}
      </button>
    </span>
  );
}

/** A text of several lines, with a button that copies all of it. */
export function CopyAll({ label, text }: { label: string; text: string }) {
  const [isCopied, setIsCopied] = useState(false);
  return (
    <>
      <pre className="diff" role="region" aria-label={label} tabIndex={0}>
        {text}
      </pre>
      <button
        className="button"
        type="button"
        aria-label={`Copy ${label}`}
        onClick={() => void navigator.clipboard?.writeText(text).then(() => setIsCopied(true))}
        onBlur={() => setIsCopied(false)}
      >
        {isCopied ? "Copied" : "Copy"}
      </button>
    </>
  );
}
