import { failed, ok, type Result } from '../base/result.ts';
import { isRole, type Role } from '../metadata/roles.ts';

/** Whoever shows a verified certificate with this name has this role. */
export type CertificateRole = {
  /** `CN:operator`, or an alternative name as in `DNS:broker-1.example.org`, `URI:…`, `email:…`. */
  readonly name: string;
  readonly role: Role;
  /** Null unless the role is broker. */
  readonly brokerId: number | null;
};

const form = /^((?:CN|DNS|URI|email):[^=\s]+)=([a-z]+)(?::(\d{1,10}))?$/;

/** `CN:operator=operator`, `DNS:broker-1.example.org=broker:1`. */
export function parseCertificateRole(text: string): Result<CertificateRole, string> {
  const match = form.exec(text);
  const [, name = '', role = '', brokerText] = match ?? [];
  const brokerId = brokerText === undefined ? null : Number(brokerText);
  const isBound = brokerId !== null && brokerId <= 2_147_483_647;
  if (match === null || !isRole(role) || (role === 'broker') !== isBound) {
    return failed(
      `'${text}' gives no certificate a role; write <name>=<role>, as in CN:operations=operator or DNS:broker-1.example.org=broker:1.`,
    );
  }
  return ok({ name, role, brokerId });
}
