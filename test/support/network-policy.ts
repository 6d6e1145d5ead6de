/** What of a NetworkPolicy decides who reaches whom; other members are unknown here and refused. */
type Labels = Readonly<Record<string, string>>;
type Selector = Readonly<{ matchLabels?: Labels }>;
export type Peer = Readonly<{
  namespaceSelector?: Selector;
  podSelector?: Selector;
  ipBlock?: Readonly<{ cidr: string; except?: readonly string[] }>;
}>;
type Rule = Readonly<{
  from?: readonly Peer[];
  to?: readonly Peer[];
  ports?: readonly Readonly<{ protocol?: string; port?: number }>[];
}>;
export type Policy = Readonly<{
  metadata: Readonly<{ namespace: string }>;
  spec: Readonly<{
    podSelector: Selector;
    policyTypes: readonly ('Ingress' | 'Egress')[];
    ingress?: readonly Rule[];
    egress?: readonly Rule[];
  }>;
}>;

/** A pod, by what selectors see of it. */
export type Pod = Readonly<{ namespace: string; labels: Labels }>;

/**
 * Whether a pod may open a connection to another one's port: both sides must allow it. A side that no policy selects
 * allows everything, one that any selects only what one of them allows. Addresses of pods are in no block that is
 * tested here but the private ones.
 */
export function reaches(
  policies: readonly Policy[],
  from: Pod,
  to: Pod,
  port: number,
  protocol = 'TCP',
): boolean {
  return (
    allows(policies, 'Egress', from, to, port, protocol) &&
    allows(policies, 'Ingress', to, from, port, protocol)
  );
}

function allows(
  policies: readonly Policy[],
  direction: 'Ingress' | 'Egress',
  own: Pod,
  other: Pod,
  port: number,
  protocol: string,
): boolean {
  const selecting = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === own.namespace &&
      spec.policyTypes.includes(direction) &&
      matches(spec.podSelector, own.labels),
  );
  if (selecting.length === 0) return true;
  return selecting.some(({ metadata, spec }) =>
    (direction === 'Ingress' ? (spec.ingress ?? []) : (spec.egress ?? [])).some((rule) => {
      const peers = direction === 'Ingress' ? rule.from : rule.to;
      const toPort =
        rule.ports === undefined ||
        rule.ports.some((each) => each.port === port && (each.protocol ?? 'TCP') === protocol);
      return (
        toPort &&
        (peers === undefined || peers.some((peer) => isPeer(peer, other, metadata.namespace)))
      );
    }),
  );
}

/** Selectors in one element must both hold; a pod selector alone means the policy's own namespace. */
function isPeer(peer: Peer, pod: Pod, namespace: string): boolean {
  // A pod's address is private: a block counts where it is everything, and does not leave those out.
  if (peer.ipBlock !== undefined)
    return peer.ipBlock.cidr === '0.0.0.0/0' && !(peer.ipBlock.except ?? []).includes('10.0.0.0/8');
  const inNamespace =
    peer.namespaceSelector === undefined
      ? pod.namespace === namespace
      : matches(peer.namespaceSelector, { 'kubernetes.io/metadata.name': pod.namespace });
  return inNamespace && (peer.podSelector === undefined || matches(peer.podSelector, pod.labels));
}

function matches({ matchLabels = {} }: Selector, labels: Labels): boolean {
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
}
