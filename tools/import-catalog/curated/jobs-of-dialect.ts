// Which jobs beside chat the providers' dialects can ask for: what libs/providers has, as data, since the import runs without it. A test holds the two together.

export const JOBS_OF_DIALECT: Readonly<Record<string, readonly string[]>> = {
  'openai-chat': ['embeddings', 'rerank', 'images', 'speech', 'transcriptions'],
  'azure-openai': ['embeddings', 'images', 'speech', 'transcriptions'],
  'bedrock-converse': ['embeddings', 'rerank'],
  gemini: ['embeddings'],
  cohere: ['embeddings', 'rerank'],
  jina: ['embeddings', 'rerank'],
  voyage: ['embeddings', 'rerank'],
};

/** Providers of a dialect that have one of its jobs in another way, and which. */
export const JOBS_OTHERWISE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // https://www.alibabacloud.com/help/en/model-studio/qwen-speech-recognition
  alibaba: { transcriptions: 'transcriptions by way of chat completions' },
  'alibaba-cn': { transcriptions: 'transcriptions by way of chat completions' },
  // https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
  'google-vertex': { embeddings: 'embeddings by the method predict' },
};

/** Of a job that a dialect asks for in each maker's own shape: the models whose shape it knows. */
export const MODELS_OF_JOB: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  'bedrock-converse': { embeddings: /(^|[.])(amazon[.]titan-embed-(text|g1-text)-|cohere[.]embed-)/ },
};
