import { readInstanceResult, readInstances, tabPath } from "../api";
import { minute } from "../format";
import type { Result } from "../results";
import { type Story, storyOf } from "../stories";
import type { TaskInstance } from "../types";
import { HostLink } from "./basics";
import { inWords } from "./TaskState";

/** Each is one or two requests. */
const MAX_STEPS = 30;

const ASKS_OR_CHANGES = [
  "EcrApproveCleanupOperator",
  "EcrDeletePreviewedImagesOperator",
  "EcrPutLifecyclePolicyOperator",
  "EcrRestoreLifecyclePolicyOperator",
];

export interface Step {
  instance: TaskInstance;
  result: Result;
  story: Story | null;
}

export interface Steps {
  steps: Step[];
  /** How many more tasks of ours there are. */
  leftOut: number;
}

/** What the tasks of ours in a run did, in the order in which they began; of mapped ones those that ask or change something. */
export async function readSteps(dagId: string, runId: string, signal?: AbortSignal): Promise<Steps> {
  const instances = (await readInstances(dagId, runId, signal)).filter(
    ({ operator, mapIndex }) => operator?.startsWith("Ecr") && (mapIndex < 0 || ASKS_OR_CHANGES.includes(operator)),
  );
  const shown = instances.sort(byStart).slice(0, MAX_STEPS);
  const steps = await Promise.all(
    shown.map(async (instance) => {
      const result = await readInstanceResult(instance, signal);
      return { instance, result, story: storyOf(result) };
    }),
  );
  return { steps, leftOut: instances.length - shown.length };
}

/** Those that have not begun come last. */
function byStart(one: TaskInstance, other: TaskInstance): number {
  const [first, second] = [one.startedAt ?? "\uffff", other.startedAt ?? "\uffff"];
  return first < second ? -1 : first > second ? 1 : 0;
}

/** The run from its first step to its last. */
export function RunStory({ steps, leftOut }: Steps) {
  return (
    <section>
      <h2>What this run did</h2>
      <ol className="story">
        {steps.map(({ instance, result, story }) => (
          <li key={tabPath(instance)}>
            <HostLink to={tabPath(instance)}>
              {instance.taskId}
              {instance.mapIndex >= 0 ? ` [${instance.mapIndex}]` : ""}
            </HostLink>{" "}
            <span className="quiet">{instance.startedAt === null ? "" : minute(instance.startedAt)}</span>{" "}
            {instance.state !== "success" && <State instance={instance} />}
            <div>
              {story === null ? (
                <span className="quiet">{withoutStory(instance, result)}</span>
              ) : (
                <>
                  {story.step}: {story.label !== null && <span className={`label ${story.tone}`}>{story.label}.</span>} {story.text}
                </>
              )}
            </div>
          </li>
        ))}
      </ol>
      {leftOut > 0 && <p className="quiet">and {leftOut} more tasks; the grid shows them.</p>}
    </section>
  );
}

const COLOURS: Record<string, string> = { failed: "critical", upstream_failed: "critical", up_for_retry: "warning", awaiting_input: "info" };

function State({ instance }: { instance: TaskInstance }) {
  return <span className={`badge ${COLOURS[instance.state ?? ""] ?? ""}`}>{(instance.state ?? "not started").replaceAll("_", " ")}</span>;
}

function withoutStory(instance: TaskInstance, result: Result): string {
  if (result.kind === "elsewhere") {
    return "Its result is on object storage; its tab says how to see it here.";
  }
  switch (instance.state) {
    case "failed":
      return "It failed without a result; its tab has the reason.";
    case "skipped":
      return "It was skipped, and did nothing.";
    case "upstream_failed":
      return "It did not run, because a task before it failed.";
    case "success":
      return "It returned no result.";
    default:
      return `It ${inWords(instance.state)}.`;
  }
}
