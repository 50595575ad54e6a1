// Work that a client waits for, and not for long.

/** Rejects where the work takes longer; what becomes of it then is of no interest here. */
export const within = async <Value>(answerMs: number, work: Promise<Value>): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the bucket did not answer within ${answerMs} ms`)), answerMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};
