// Tells good lines from bad ones. The unit of rejection is the line: one that is not as the contract says never holds up the others.
import { decisionRecorded, generationRecorded, quickParse, type TrailLine } from '@waystation/contracts';
import type { ConsumedLine } from '@waystation/bus';

export interface GoodLine {
  readonly position: ConsumedLine;
  readonly line: TrailLine;
}

export interface BadLine {
  readonly position: string;
  readonly instance: string;
  /** What is wrong with which field, without its value. */
  readonly reason: string;
  /** The line as JSON text, cut to `DEAD_LETTER_UNITS_MAX`. Absent where the batch was no JSON. */
  readonly text?: string;
}

export const DEAD_LETTER_UNITS_MAX = 65_536;
const REASONS_MAX = 5;
const parseGeneration = quickParse(generationRecorded);

const isDecision = (line: unknown): boolean =>
  typeof line === 'object' && line !== null && 'kind' in line && line.kind === 'decision.recorded';

export const badLine = ({ position, instance, line }: ConsumedLine, reason: string): BadLine => ({
  position,
  instance,
  reason,
  ...(line === undefined ? {} : { text: JSON.stringify(line).slice(0, DEAD_LETTER_UNITS_MAX) }),
});

export const sortLines = (lines: readonly ConsumedLine[]): { good: GoodLine[]; bad: BadLine[] } => {
  const good: GoodLine[] = [];
  const bad: BadLine[] = [];
  for (const consumed of lines) {
    // One call in many has its decision kept: those may take their time.
    const read = isDecision(consumed.line) ? decisionRecorded.safeParse(consumed.line) : parseGeneration(consumed.line);
    if (read.success) good.push({ position: consumed, line: read.data });
    else if (consumed.line === undefined) bad.push(badLine(consumed, 'The message is not a batch of lines.'));
    else {
      const issues = read.error.issues
        .slice(0, REASONS_MAX)
        .map((issue) => `${issue.path.join('.') || 'line'}: ${issue.message}`);
      bad.push(badLine(consumed, issues.join('; ')));
    }
  }
  return { good, bad };
};
