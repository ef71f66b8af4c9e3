import { fileText } from '../answers.ts';
import type { Answers, Reading } from '../model.ts';
import { firewalldConf, firewalldOn, firewalldSetting, opening, permanentZones, routeTable, runningZones } from './firewalld.ts';
import type { Zone } from './firewalld.ts';
import type { PortNeed } from './ports.ts';

/** Devices that machines of one's own hang on; no other node comes in by them. */
const virtual = /^(?:lo$|docker|virbr|podman|cni|br-|veth|cali|tunl|vxlan|flannel|kube-)/;

/**
 * The zones by which other nodes may come in: those that interfaces are in, as the running firewalld has it, else as its files
 * do, else the default zone. `from`: what says so. `unknown`: firewalld runs and did not answer.
 */
export const clusterZones = (
  answers: Answers,
): { readonly names: readonly string[]; readonly from: string; readonly unknown: boolean } => {
  const [running, permanent] = [runningZones(answers), permanentZones(answers)];
  const unknown = firewalldOn(answers).now && running.length === 0;
  const named = (zones: readonly Zone[]) =>
    zones.filter((z) => z.interfaces.some((name) => !virtual.test(name))).map((z) => z.name);
  if (named(running).length > 0) return { names: named(running), from: 'firewall-cmd --get-active-zones', unknown };
  if (named(permanent).length > 0) return { names: named(permanent), from: '/etc/firewalld/zones', unknown };
  const chosen = firewalldSetting('DefaultZone', answers);
  return { names: [chosen?.value ?? 'public'], from: chosen?.from ?? firewalldConf, unknown };
};

/**
 * Whether firewalld lets a need in: by a zone of the cluster, or by one for certain addresses, where these are taken to be the nodes'.
 * One that opens everything to its addresses may be for pods or people: it counts where the host's own network is among them.
 */
export const firewalldReading = (need: PortNeed, answers: Answers, when: 'now' | 'boot'): Reading => {
  const all = when === 'now' ? runningZones(answers) : permanentZones(answers);
  const { names, from, unknown } = clusterZones(answers);
  if (when === 'now' && unknown) return { ok: false, have: 'unknown' };
  const zones = all.filter((zone) => names.includes(zone.name) || isForNodes(zone, answers));
  const opened = zones.map((zone) => opening(zone, need)).find((line) => line !== undefined);
  const shut = zones.find((zone) => names.includes(zone.name))?.from ?? from;
  return opened === undefined
    ? { ok: false, have: `shut in ${names.join(', ')}`, from: shut }
    : { ok: true, have: 'open', from: opened };
};

const isForNodes = ({ sources, allows }: Zone, answers: Answers): boolean =>
  sources.length > 0 &&
  (allows.every(({ protocol }) => protocol !== '*') ||
    sources.some((source) => ownNetworks(answers).some((network) => overlap(networkOf(source), network))));

/** An IPv4 network: its address and mask as numbers. */
type Network = { readonly address: number; readonly mask: number };

const ownNetworks = (answers: Answers): Network[] =>
  (fileText(answers, routeTable) ?? '').split('\n').flatMap((line): Network[] => {
    const [device = '', destination = '', , flags, , , , mask = ''] = line.trim().split(/\s+/);
    // 0001: up, and no gateway.
    return flags === '0001' && !virtual.test(device) ? [{ address: reversed(destination), mask: reversed(mask) }] : [];
  });

const reversed = (hex: string): number => Number.parseInt((hex.match(/../g) ?? []).reverse().join(''), 16) >>> 0;

/** "10.0.0.0/8", "10.0.0.1" or "10.0.0.0/255.0.0.0"; undefined for all else. */
const networkOf = (source: string): Network | undefined => {
  const [address = '', length = '32'] = source.split('/');
  if (!isDotted(address)) return undefined;
  const mask = isDotted(length) ? numberOf(length) : length === '0' ? 0 : (~0 << (32 - Number(length))) >>> 0;
  return { address: numberOf(address), mask };
};

const isDotted = (text: string): boolean => /^\d+(\.\d+){3}$/.test(text);

const numberOf = (dotted: string): number => dotted.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

const overlap = (a: Network | undefined, b: Network): boolean => {
  if (!a) return false;
  const mask = (a.mask & b.mask) >>> 0;
  return (a.address & mask) >>> 0 === (b.address & mask) >>> 0;
};
