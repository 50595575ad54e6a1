// Which hosts of the operator's own network the management API may name. The configuration alone says so: whoever holds a key of an operator shall not look around in it.

/** `host`, `host:port`, `.suffix` or `*`, in lower case. */
export const isPrivateHost = (baseUrl: string, hosts: readonly string[]): boolean => {
  const url = URL.parse(baseUrl);
  if (url === null) return false;
  const { hostname, port, protocol } = url;
  const withPort = `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`;
  return hosts.some(
    (host) =>
      host === '*' || host === hostname || host === withPort || (host.startsWith('.') && hostname.endsWith(host)),
  );
};
