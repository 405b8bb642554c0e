export declare const serverPackages: string[];
export declare const controllerPackages: string[];
export declare const testPackages: string[];
export declare const labPackages: string[];
export declare const benchPackages: string[];
export declare const nightlyPackages: string[];
export declare const enginePackages: string[];
export declare const emulatorPackages: string[];
