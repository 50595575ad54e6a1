// An error as a log line shows it: every cause, bounded in depth and size, without fields that could hold a body.
const DEPTH_MAX = 6;
const CAUSES_MAX = 4;
const STACK_CHARACTERS_MAX = 4_000;
const MESSAGE_CHARACTERS_MAX = 1_000;

export interface DescribedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: DescribedError;
  readonly errors?: readonly DescribedError[];
}

const field = (value: object, name: string): unknown =>
  name in value ? (value as Record<string, unknown>)[name] : undefined;

/** Duck-typed: errors may come from another realm or another copy of a library. The stack of the outermost is enough to find the place. */
export const describeError = (thrown: unknown, depth = 0): DescribedError => {
  if (typeof thrown !== 'object' || thrown === null)
    return { type: typeof thrown, message: String(thrown).slice(0, MESSAGE_CHARACTERS_MAX) };
  const [name, message, code, stack, cause, errors] = ['name', 'message', 'code', 'stack', 'cause', 'errors'].map(
    (each) => field(thrown, each),
  );
  const deeper = depth < DEPTH_MAX;
  return {
    type: typeof name === 'string' ? name : 'object',
    message: String(message ?? '').slice(0, MESSAGE_CHARACTERS_MAX),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof stack === 'string' ? { stack: stack.slice(0, STACK_CHARACTERS_MAX) } : {}),
    ...(cause !== undefined && deeper ? { cause: describeError(cause, depth + 1) } : {}),
    ...(Array.isArray(errors) && deeper
      ? { errors: errors.slice(0, CAUSES_MAX).map((each) => describeError(each, depth + 1)) }
      : {}),
  };
};

/** The whole chain in one sentence, for a line that a person reads. */
export const explainError = (thrown: unknown): string => {
  const messages: string[] = [];
  for (
    let each: DescribedError | undefined = describeError(thrown);
    each !== undefined;
    each = each.cause ?? each.errors?.[0]
  ) {
    if (each.message !== '' && !messages.some((message) => message.includes(each?.message ?? '')))
      messages.push(each.message);
  }
  return messages.join(': ');
};
