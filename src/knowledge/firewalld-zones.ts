import type { Answers, Reading } from '../model.ts';
import { firewalldConf, firewalldOn, firewalldSetting, opening, permanentZones, runningZones } from './firewalld.ts';
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

/** Whether firewalld lets a need in: by a zone of the cluster, or by one for certain addresses, which are taken to be the nodes'. */
export const firewalldReading = (need: PortNeed, answers: Answers, when: 'now' | 'boot'): Reading => {
  const all = when === 'now' ? runningZones(answers) : permanentZones(answers);
  const { names, from, unknown } = clusterZones(answers);
  if (when === 'now' && unknown) return { ok: false, have: 'unknown' };
  const zones = all.filter((zone) => names.includes(zone.name) || zone.sources.length > 0);
  const opened = zones.map((zone) => opening(zone, need)).find((line) => line !== undefined);
  const shut = zones.find((zone) => names.includes(zone.name))?.from ?? from;
  return opened === undefined
    ? { ok: false, have: `shut in ${names.join(', ')}`, from: shut }
    : { ok: true, have: 'open', from: opened };
};
