// What an SDK throws, as it names it.
import type { Told } from '../questions.ts';

export const refusalOf = async (asking: Promise<unknown>): Promise<Told> => {
  try {
    await asking;
  } catch (error) {
    const { constructor, status, statusCode } = error as {
      constructor: { name: string };
      status?: number;
      statusCode?: number;
    };
    return { refusal: { name: constructor.name, status: status ?? statusCode } };
  }
  throw new Error('was answered, and should have been refused');
};
