/** What a colour stands for. */
export function Key({ colour, children }: { colour: string; children: string }) {
  return (
    <span className="key">
      <i style={{ background: colour }} aria-hidden="true" />
      {children}
    </span>
  );
}
