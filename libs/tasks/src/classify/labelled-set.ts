// The labelled prompts as text → what the classifier is trained and measured on. A prompt's own hash says on which side it is, so that a new one moves no other.

export interface LabelledPrompt {
  readonly task: string;
  readonly difficulty: string;
  readonly prompt: string;
}

/** Of ten. */
const TEST_SHARE = 3;

/** 32-bit FNV-1a. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
};

export const readLabelledSet = (tsv: string): { train: LabelledPrompt[]; test: LabelledPrompt[] } => {
  const prompts = tsv
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [task = '', difficulty = '', prompt = ''] = line.split('\t');
      return { task, difficulty, prompt };
    });
  const isTest = ({ prompt }: LabelledPrompt): boolean => hashOf(prompt) % 10 < TEST_SHARE;
  return { train: prompts.filter((each) => !isTest(each)), test: prompts.filter(isTest) };
};
