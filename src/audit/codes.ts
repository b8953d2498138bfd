// Coded values of audit messages: DICOM's own (PS3.16 CID 400 to 405) and those of RFC 3881.

export interface Coded {
  readonly code: string;
  readonly system: 'DCM' | 'RFC-3881';
  readonly meaning: string;
}

const dcm = (code: string, meaning: string): Coded => ({ code, system: 'DCM', meaning });

export const events = {
  applicationActivity: dcm('110100', 'Application Activity'),
  beginTransferring: dcm('110102', 'Begin Transferring DICOM Instances'),
  instancesAccessed: dcm('110103', 'DICOM Instances Accessed'),
  instancesTransferred: dcm('110104', 'DICOM Instances Transferred'),
  securityAlert: dcm('110113', 'Security Alert'),
} as const;

export const eventTypes = {
  applicationStart: dcm('110120', 'Application Start'),
  applicationStop: dcm('110121', 'Application Stop'),
  nodeAuthentication: dcm('110126', 'Node Authentication'),
} as const;

export const roles = {
  application: dcm('110150', 'Application'),
  applicationLauncher: dcm('110151', 'Application Launcher'),
  destination: dcm('110152', 'Destination Role ID'),
  source: dcm('110153', 'Source Role ID'),
} as const;

export const idTypes = {
  studyInstanceUid: dcm('110180', 'Study Instance UID'),
  nodeId: dcm('110182', 'Node ID'),
  patientNumber: { code: '2', system: 'RFC-3881', meaning: 'Patient Number' },
} as const satisfies Record<string, Coded>;
