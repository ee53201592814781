import { ApiError, readPolicy, tabPath } from "../api";
import { type DiffLine, diffLines, policyLines } from "../diff";
import type { Audit, TaskRef } from "../types";
import { useLoaded } from "../useLoaded";

const SIGNS = { same: " ", added: "+", removed: "-" };

export function Lines({ lines, label }: { lines: DiffLine[]; label: string }) {
  return (
    <pre className="diff" role="region" aria-label={label} tabIndex={0}>
      {lines.map(({ kind, text }, at) => (
        <div key={at} className={kind}>
          {SIGNS[kind]} {text}
        </div>
      ))}
    </pre>
  );
}

/** A policy, with its difference to another one where that is given. */
export function PolicyText({ text, before = text, title = "The text of the policy" }: { text: string; before?: string | null; title?: string }) {
  return (
    <details>
      <summary>{title}</summary>
      <Lines lines={diffLines(policyLines(before), policyLines(text))} label={title} />
    </details>
  );
}

/** The policy of a repository in an audit: the one of its fingerprint, else the one candidate; null where neither is known. */
export function usePolicyText(task: TaskRef, audit: Audit, fingerprint: string | null): string | null {
  const candidate = audit.policies?.lifecycle_policy_text ?? null;
  const { value } = useLoaded(`${tabPath(task)} ${fingerprint}`, async (signal) => {
    try {
      return fingerprint === null ? candidate : await readPolicy(task, fingerprint, signal);
    } catch (error) {
      if (error instanceof ApiError) {
        return candidate; // Only the text is missing, and it is in the ECR console, too.
      }
      throw error;
    }
  });
  return value;
}
