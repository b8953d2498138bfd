"""Classic CT and MR Image objects of the demo's simulated patient (PS3.3 A.3 and A.4)."""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

DATE = "20260105"
BITS_STORED = 12
CT_INTERCEPT = -1024
MANUFACTURER = "limpid demo simulator"


@dataclass(frozen=True)
class Series:
    """One series to write: `patient` names study and patient, `kind` tells its series apart.

    Positions are the z of each slice in mm, feet to head; pixels are [slice][row][column] in HU or delivered MR units.
    """

    patient: str
    kind: str
    number: int
    description: str
    time: str
    pixels: np.ndarray
    positions: np.ndarray
    pixel_mm: float
    thickness_mm: float


def uid(*words: str) -> str:
    """UID below 2.25 that depends on the words alone (PS3.5 B.2: a UUID as an integer)."""
    digest = bytearray(hashlib.sha256("\n".join(("limpid demo", *words)).encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80  # version 8, made by rule
    digest[8] = digest[8] & 0x3F | 0x80
    return f"2.25.{int.from_bytes(digest, 'big')}"


def _patient_and_study(series: Series, modality: str) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName = f"DEMO^{modality}"
    ds.PatientID = f"LIMPID-DEMO-{modality}"
    ds.PatientBirthDate = ""
    ds.PatientSex = "O"
    ds.StudyInstanceUID = uid(series.patient, "study")
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = DATE
    ds.StudyTime = "090000"
    ds.StudyID = "1"
    ds.AccessionNumber = f"DEMO-{modality}-1"
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = f"limpid demo, simulated {modality}"
    ds.Modality = modality
    ds.SeriesInstanceUID = uid(series.patient, series.kind, "series")
    ds.SeriesNumber = series.number
    ds.SeriesDescription = series.description
    ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = series.time
    ds.PatientPosition = "HFS"
    ds.FrameOfReferenceUID = uid(series.patient, "frame of reference")
    ds.PositionReferenceIndicator = ""
    ds.Manufacturer = MANUFACTURER
    ds.ManufacturerModelName = f"{series.patient} phantom"
    ds.DeviceSerialNumber = "1"
    ds.SoftwareVersions = "1"
    ds.InstitutionName = "limpid demo"
    return ds


def _image(ds: Dataset, series: Series, index: int, stored: np.ndarray) -> None:
    rows, columns = stored.shape
    ds.SOPInstanceUID = uid(series.patient, series.kind, f"instance {index}")
    ds.InstanceNumber = len(series.positions) - index
    ds.AcquisitionNumber = 1
    corner = [-(side - 1) / 2 * series.pixel_mm for side in (columns, rows)]
    z = float(series.positions[index])
    ds.ImagePositionPatient = [f"{v:.3f}" for v in (*corner, z)]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.SliceLocation = f"{z:.3f}"
    ds.SliceThickness = series.thickness_mm
    ds.PixelSpacing = [series.pixel_mm, series.pixel_mm]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = rows, columns
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, BITS_STORED, BITS_STORED - 1, 0
    ds.PixelData = stored.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"


def _stored(values: np.ndarray) -> np.ndarray:
    return np.clip(np.floor(values + 0.5), 0, 2**BITS_STORED - 1).astype(np.uint16)


def ct_object(series: Series, index: int, mas: float) -> Dataset:
    """mas: exposure in mAs, which the description of a low-dose scan would give."""
    ds = _patient_and_study(series, "CT")
    ds.SOPClassUID = CTImageStorage
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.BodyPartExamined = "CHEST"
    ds.ProtocolName = "Simulated chest"
    ds.KVP = 120
    ds.DataCollectionDiameter = 500
    ds.ReconstructionDiameter = f"{series.pixel_mm * series.pixels.shape[2]:.2f}"
    ds.GantryDetectorTilt = 0
    ds.ExposureTime = 500
    ds.XRayTubeCurrent = round(2 * mas)
    ds.Exposure = round(mas)
    ds.FilterType = "BODY"
    ds.ConvolutionKernel = "SIM-STANDARD"
    ds.ContrastBolusAgent = "simulated"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = CT_INTERCEPT, 1, "HU"
    ds.WindowCenter, ds.WindowWidth = 40, 400
    _image(ds, series, index, _stored(series.pixels[index] - CT_INTERCEPT))
    return ds


def mr_object(series: Series, index: int, spacing_mm: float, acceleration: int) -> Dataset:
    ds = _patient_and_study(series, "MR")
    matrix = series.pixels.shape[1]
    ds.SOPClassUID = MRImageStorage
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    ds.BodyPartExamined = "HEAD"
    ds.ProtocolName = f"Simulated T2, R {acceleration}"
    ds.ScanningSequence = "SE"
    ds.SequenceVariant = "SK"
    ds.ScanOptions = ""
    ds.MRAcquisitionType = "2D"
    ds.SequenceName = "tse2d"
    ds.RepetitionTime, ds.EchoTime, ds.EchoTrainLength = 4500, 95, 12
    ds.FlipAngle, ds.NumberOfAverages, ds.EchoNumbers = 150, 1, 1
    ds.MagneticFieldStrength, ds.ImagingFrequency, ds.ImagedNucleus = 1.5, "63.87", "1H"
    ds.SpacingBetweenSlices = spacing_mm
    ds.NumberOfPhaseEncodingSteps = matrix // acceleration
    ds.PercentSampling, ds.PercentPhaseFieldOfView = round(100 / acceleration, 1), 100
    ds.AcquisitionMatrix = [0, matrix, matrix, 0]
    ds.InPlanePhaseEncodingDirection = "COL"
    ds.WindowCenter, ds.WindowWidth = 500, 1000
    _image(ds, series, index, _stored(series.pixels[index]))
    return ds


def write_compressed(ds: Dataset, path: Path) -> None:
    """Writes a Part 10 file as JPEG-LS lossless; needs gdcmconv of GDCM (Debian: libgdcm-tools)."""
    gdcmconv = shutil.which("gdcmconv")
    if gdcmconv is None:
        raise FileNotFoundError("gdcmconv is missing: install GDCM's tools (Debian: libgdcm-tools)")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    native = path.with_suffix(".native")
    file = FileDataset(str(native), ds, file_meta=meta, preamble=bytes(128))
    file.is_little_endian, file.is_implicit_VR = True, False
    file.save_as(native, write_like_original=False)
    subprocess.run([gdcmconv, "--jpegls", str(native), str(path)], check=True)
    native.unlink()
