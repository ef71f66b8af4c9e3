import { ownGrubFile } from './grub-arguments.ts';
import { ownModulesLoad } from './modules-load.ts';
import { ownForeign, ownNetwork } from './networkd.ts';
import { ownNetworkManager } from './networkmanager.ts';
import { ownSysctl } from './sysctl-resolve.ts';

/** Every file that node-prep owns whole on a host. */
export const ownFiles: readonly string[] = [ownModulesLoad, ownSysctl, ownNetworkManager, ownForeign, ownNetwork, ownGrubFile];
