// Puts a credential where the provider wants it.

export interface Credential {
  readonly kind: 'bearer' | 'header' | 'query' | 'none' | 'aws';
  /** Of the header or query parameter. */
  readonly name?: string;
  readonly secret: string;
}

export interface Authorization {
  /** Name, value, name, value, … */
  readonly headers: readonly string[];
  /** `name=value`, or nothing. */
  readonly query: string;
}

export const authorize = ({ kind, name, secret }: Credential): Authorization => {
  switch (kind) {
    case 'none':
    case 'aws': // a signature, made by the dialect out of the whole request
      return { headers: [], query: '' };
    case 'bearer':
      return { headers: ['authorization', `Bearer ${secret}`], query: '' };
    case 'header':
      return { headers: [name ?? 'x-api-key', secret], query: '' };
    case 'query':
      return { headers: [], query: `${encodeURIComponent(name ?? 'key')}=${encodeURIComponent(secret)}` };
    default: {
      const unreachable: never = kind;
      return unreachable;
    }
  }
};
