import type { Kind, KindName } from '../model.ts';
import { cgroupKind } from './cgroup.ts';
import { firewallKind } from './firewall.ts';
import { iptablesKind } from './iptables.ts';
import { kernelKind } from './kernel.ts';
import { kernelconfigKind } from './kernelconfig.ts';
import { moduleKind } from './module.ts';
import { networkdKind } from './networkd.ts';
import { networkmanagerKind } from './networkmanager.ts';
import { nftKind } from './nft.ts';
import { packageKind } from './package.ts';
import { portKind } from './port.ts';
import { serviceKind } from './service.ts';
import { swapKind } from './swap.ts';
import { sysctlKind } from './sysctl.ts';

/** Every kind, in the order in which their actions run: packages bring modules, modules bring sysctl keys. */
export const kinds: readonly Kind[] = [
  kernelKind,
  kernelconfigKind,
  cgroupKind,
  packageKind,
  moduleKind,
  iptablesKind,
  nftKind,
  swapKind,
  serviceKind,
  sysctlKind,
  networkmanagerKind,
  networkdKind,
  portKind,
  firewallKind,
] as readonly (Kind<never> | Kind)[] as readonly Kind[];

/** The kind of that name; every name has one. */
export const kindNamed = (name: KindName): Kind => {
  const kind = kinds.find((k) => k.name === name);
  if (!kind) throw new Error(`no kind ${name}`);
  return kind;
};
