import type { X509Certificate } from 'node:crypto';
import type { NodeId, Uuid } from '../base/brands.ts';
import type { CloseReason } from './close-reason.ts';

/**
 * Which nodes a certificate is for. It says so by alternative names of the kind URI (RFC 5280, 4.2.1.6):
 *
 *     ottla://any/node/1            node 1, of whichever cluster
 *     ottla://<cluster id>/node/1   node 1 of this cluster
 *
 * An authority often signs for more than controllers: brokers, operators, another cluster. That a certificate
 * is the authority's says that its holder may be here; only a name says as whom. (etcd can hold its peers to
 * one common name or host name for all; Kafka leaves it to authorisation by the certificate's subject.)
 *
 * 1. A certificate with such names is for those nodes alone, in both directions of a connection.
 * 2. A node whose own certificate has such a name takes no peer whose certificate has none: else the holder
 *    of any other certificate of that authority could claim to be a node.
 * 3. Between certificates without such names the authority's signature is all there is.
 * 4. A node does not start with a certificate that is for other nodes.
 *
 * Certificates may be replaced by such ones node by node: the two that have no names yet, or the two that
 * have, are a majority at any time. While a node has not learnt its cluster's id and the peer states none,
 * the cluster in a name is not looked at.
 */
export type NodeNames = readonly string[];

/** What both sides of a connection have shown each other. */
export type ShownNames = { readonly own: NodeNames; readonly peer: NodeNames };

/** Every name with our scheme: one that is misspelt is for nobody, and makes its certificate so. */
export function nodeNamesOf(certificate: X509Certificate | undefined): NodeNames {
  const listed = certificate?.subjectAltName ?? '';
  const names: string[] = [];
  for (const [, kind, value = ''] of listed.matchAll(alternativeName)) {
    if (kind === 'URI' && /^ottla:/i.test(value)) names.push(value);
  }
  return names;
}

/**
 * One name of the list that Node makes of the extension. What could pass for more than one name stands in
 * quotes there, and is none of ours.
 */
const alternativeName = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)/gy;

/** Why `peer` may not be the node that it claims to be; null when it may. */
export function nameProblem(
  { own, peer }: ShownNames,
  id: NodeId,
  clusterId: Uuid | null,
): CloseReason | null {
  if (own.length === 0 && peer.length === 0) return null;
  if (isFor(peer, id, clusterId)) return null;
  const names = peer.length === 0 ? 'no node' : peer.join(', ');
  return { code: 'WRONG_CERTIFICATE', message: `node ${id} shows a certificate that names ${names}` };
}

/** What is wrong with this node's own certificate; null when nothing is. */
export function ownNameProblem(names: NodeNames, id: NodeId, clusterId: Uuid | null): string | null {
  if (names.length === 0 || isFor(names, id, clusterId)) return null;
  return `the certificate names ${names.join(', ')}, and this is node ${id}`;
}

function isFor(names: NodeNames, id: NodeId, clusterId: Uuid | null): boolean {
  const path = `/node/${id}`;
  return names.some((name) => {
    if (name === `ottla://any${path}`) return true;
    if (clusterId !== null) return name === `ottla://${clusterId}${path}`;
    return /^ottla:\/\/[\w-]+\/node\/\d+$/.test(name) && name.endsWith(path);
  });
}
