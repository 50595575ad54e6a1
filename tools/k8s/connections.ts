// Who may open a connection to whom, as the rendered NetworkPolicies say it: a connection passes where the policies of both ends let it. Without a policy for a
// direction everything passes (https://kubernetes.io/docs/concepts/services-networking/network-policies/).
import { BlockList, isIP } from 'node:net';
import type { INetworkPolicyPeer } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicyPeer';
import type { INetworkPolicyPort } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicyPort';
import type { INetworkPolicySpec } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicySpec';
import { ofKind, selects, specOf, type KubernetesObject, type LabelSelector } from './objects.ts';

/** A pod, here or in another namespace, or an address outside. */
export interface Party {
  readonly name: string;
  /** Absent: an address outside. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Labels of another namespace; absent: ours. */
  readonly namespace?: Readonly<Record<string, string>>;
  readonly address?: string;
  /** What it listens on: names are for policies that say them. */
  readonly ports: readonly { readonly port: number; readonly name?: string; readonly protocol?: 'TCP' | 'UDP' }[];
}

/** `ingress → nats:4222`, sorted. */
export const connectionsOf = (
  objects: readonly KubernetesObject[],
  ours: Readonly<Record<string, string>>,
  parties: readonly Party[],
): string[] => {
  const policies = ofKind(objects, 'NetworkPolicy').map((object) => specOf<INetworkPolicySpec>(object));
  const policiesOf = (party: Party, direction: 'Egress' | 'Ingress'): INetworkPolicySpec[] =>
    party.labels === undefined || party.namespace !== undefined
      ? []
      : policies.filter(
          ({ podSelector = {}, policyTypes = [] }) =>
            policyTypes.includes(direction) && selects(podSelector as LabelSelector, party.labels ?? {}),
        );
  const passes = (from: Party, to: Party, port: Party['ports'][number]): boolean => {
    const leaving = policiesOf(from, 'Egress');
    const entering = policiesOf(to, 'Ingress');
    const matches = (
      peers: readonly INetworkPolicyPeer[] | undefined,
      ports: readonly INetworkPolicyPort[] | undefined,
      party: Party,
    ): boolean =>
      (peers === undefined || peers.some((peer) => isPeer(peer, party, ours))) &&
      (ports === undefined || ports.some((each) => isPort(each, port)));
    return (
      (leaving.length === 0 ||
        leaving.some(({ egress = [] }) => egress.some((rule) => matches(rule.to, rule.ports, to)))) &&
      (entering.length === 0 ||
        entering.some(({ ingress = [] }) => ingress.some((rule) => matches(rule.from, rule.ports, from))))
    );
  };
  const open = parties.flatMap((from) =>
    parties
      .filter((to) => to !== from && (isOurs(from) || isOurs(to)))
      .flatMap((to) =>
        to.ports.filter((port) => passes(from, to, port)).map(({ port }) => `${from.name} → ${to.name}:${port}`),
      ),
  );
  return [...new Set(open)].sort();
};

const isOurs = ({ labels, namespace }: Party): boolean => labels !== undefined && namespace === undefined;

const isPeer = (peer: INetworkPolicyPeer, party: Party, ours: Readonly<Record<string, string>>): boolean => {
  if (peer.ipBlock !== undefined)
    return party.address !== undefined && inBlock(party.address, peer.ipBlock.cidr, peer.ipBlock.except ?? []);
  if (party.labels === undefined) return false;
  const namespaceFits =
    peer.namespaceSelector === undefined
      ? party.namespace === undefined
      : selects(peer.namespaceSelector as LabelSelector, party.namespace ?? ours);
  return namespaceFits && (peer.podSelector === undefined || selects(peer.podSelector as LabelSelector, party.labels));
};

const isPort = ({ port, protocol = 'TCP' }: INetworkPolicyPort, listening: Party['ports'][number]): boolean =>
  protocol === (listening.protocol ?? 'TCP') &&
  (port === undefined || port === listening.port || (listening.name !== undefined && port === listening.name));

const inBlock = (address: string, cidr: string, except: readonly string[]): boolean =>
  inNetwork(address, cidr) && !except.some((each) => inNetwork(address, each));

const inNetwork = (address: string, cidr: string): boolean => {
  const [network = '', prefix = ''] = cidr.split('/');
  if (isIP(network) !== isIP(address)) return false;
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const block = new BlockList();
  block.addSubnet(network, Number(prefix), family);
  return block.check(address, family);
};
