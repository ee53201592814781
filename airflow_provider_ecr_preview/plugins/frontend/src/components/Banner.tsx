import type { Story } from "../stories";

/** What was done or would be, in words that cannot be missed. */
export function Banner({ story }: { story: Story }) {
  return (
    <p className={`banner ${story.tone}`} role="note" aria-label={story.label ?? story.step}>
      {story.label !== null && <strong>{story.label}</strong>} {story.text}
    </p>
  );
}
