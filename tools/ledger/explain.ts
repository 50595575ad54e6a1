// `explain`: where each picodollar of a generation comes from.
import { BillingGenerationStory } from '@waystation/contracts';
import { UsageFault, type Command } from './command.ts';

export const explain: Command = {
  name: 'explain',
  words: ['GENERATION'],
  options: {},
  help: ['usage × price, policy, hold, witnesses, corrections and entries of one generation'],
  async run(books, [generationId = ''], _values, output) {
    if (!/^gen-\d{10}-[0-9A-Za-z]{20}$/.test(generationId))
      throw new UsageFault(`${generationId || 'nothing'} is no generation id (gen-…)`);
    const { lines } = await books.ask(BillingGenerationStory, { generationId });
    output.json({ lines });
    for (const line of lines) output.say(line);
    return true;
  },
};
