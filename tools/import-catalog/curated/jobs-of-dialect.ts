// Which jobs beside chat the providers' dialects can ask for: what libs/providers has, as data, since the import runs without it. A test holds the two together.

export const JOBS_OF_DIALECT: Readonly<Record<string, readonly string[]>> = {
  'openai-chat': ['embeddings', 'rerank', 'images', 'speech', 'transcriptions'],
  'azure-openai': ['embeddings', 'images', 'speech', 'transcriptions'],
  'bedrock-converse': ['rerank'],
  cohere: ['embeddings', 'rerank'],
  jina: ['embeddings', 'rerank'],
  voyage: ['embeddings', 'rerank'],
};

/** Providers of a dialect that have one of its jobs in another way, and which. */
export const JOBS_OTHERWISE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // https://www.alibabacloud.com/help/en/model-studio/qwen-speech-recognition
  alibaba: { transcriptions: 'transcriptions by way of chat completions' },
  'alibaba-cn': { transcriptions: 'transcriptions by way of chat completions' },
};
