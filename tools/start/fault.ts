// A start that cannot go on says one line: what is wrong and what to do. Anything else that is thrown is a bug and shows its stack.

export class StartFault extends Error {
  override readonly name = 'StartFault';
}

const NO_SPACE = /ENOSPC|no space left on device|EDQUOT|disk quota exceeded/i;

/** The line for a person. */
export function explain(error: unknown, dataDir: string): string {
  const chain: string[] = [];
  for (let each = error; each instanceof Error; each = each.cause)
    chain.push(`${(each as { code?: string }).code ?? ''} ${each.message}`);
  if (NO_SPACE.test(chain.join(' ')))
    return `the disk of ${dataDir} is full: free some space, or choose another folder with --data-dir`;
  if (error instanceof Error) return error.message;
  return String(error);
}
