"""Commands: python3 -m limpid_training COMMAND --help"""

import argparse
from pathlib import Path

MODELS = {"ct": "ct-low-dose", "mr": "mr-accelerated", "us": "us-despeckle"}
MINUTES = {"ct": 30.0, "mr": 25.0, "us": 35.0}
POOLS = {"ct": {"ct": 600, "ct-faint": 160}, "mr": {"mr": 1500}, "us": {"us": 800}}
STACKS = {"ct": {"ct-stack": 400}, "mr": {"mr-stack": 500}}
TRIM_POOLS = {"ct": {"ct": 60, "ct-faint": 20}, "mr": {"mr": 400}}
NOISE_SHARES = {"ct": 0.3, "mr": 0.3, "us": 0.15}
HELD_OUT = {"ct": 20, "mr": 100, "us": 50}
SHARED_DATA = Path(__file__).resolve().parents[4] / "shared/data"
POOL_SEED, HELD_OUT_SEED = 1, 999


def _train(arguments: argparse.Namespace) -> None:
    import torch

    from limpid_training import network, objectives, patches, pools
    from limpid_training.export import export, load_weights
    from limpid_training.train import Plan, denoising, train

    modality, work = arguments.command, arguments.work

    def material(kinds: dict[str, int], seed: int, share: float = 1.0) -> dict:
        return pools.load([part for kind, count in kinds.items() for part in pools.build(kind, work / "pools", round(count * share), seed)])

    stacks = arguments.slices > 1
    pool = material(POOLS[modality], POOL_SEED, arguments.share)
    held_out = material({f"{modality}-stack" if stacks else modality: HELD_OUT[modality]}, HELD_OUT_SEED)
    whole, single = (material(STACKS[modality], POOL_SEED, arguments.share), pool) if stacks else (pool, None)
    plan = Plan(arguments.minutes, arguments.wall_minutes or 3 * arguments.minutes, arguments.rate, arguments.seed)
    name = work / MODELS[modality]
    size = network.CINE if modality == "us" else network.SMALL if arguments.small else network.FULL
    share = arguments.noise_share
    objective = objectives.Distillation(load_weights(arguments.teacher), share) if arguments.teacher else denoising(share)
    torch.manual_seed(plan.seed)
    inputs = arguments.slices + 1
    start = load_weights(arguments.init) if arguments.init else network.Ffdr(*size, inputs)
    levels = patches.Levels(arguments.low_noise, arguments.halved)
    trained, _ = train(
        network.widened(start, inputs),
        lambda rng: patches.draw_batch(rng, whole, neighbours=stacks, levels=levels, single=single,
                                       lines=arguments.lines, singles=arguments.singles),
        lambda rng: patches.draw_batch(rng, held_out, neighbours=stacks),
        plan,
        name.with_suffix(".log"),
        objective,
    )
    torch.save(trained.state_dict(), name.with_suffix(".pt"))
    difference = export(trained, name.with_suffix(".onnx"))
    print(f"{name.with_suffix('.onnx')}: at most {difference:.1e} from PyTorch")


def _export(arguments: argparse.Namespace) -> None:
    from limpid_training.export import export, load_weights

    difference = export(load_weights(arguments.weights), arguments.onnx)
    print(f"{arguments.onnx}: at most {difference:.1e} from PyTorch")


def _average(arguments: argparse.Namespace) -> None:
    from limpid_training.export import average

    average(arguments.first, arguments.second, arguments.out)


def _trim(arguments: argparse.Namespace) -> None:
    import torch

    from limpid_training import idle_channels, pools
    from limpid_training.export import load_weights

    modality, work = arguments.modality, arguments.work / "pools"
    held_out = pools.load(pools.build(modality, work, HELD_OUT[modality], HELD_OUT_SEED))
    chosen_by = [part for kind, count in TRIM_POOLS[modality].items() for part in pools.build(kind, work, count, POOL_SEED)]
    network = load_weights(arguments.weights)
    smaller = idle_channels.run(modality, network, (pools.load(chosen_by), held_out), arguments.slices, arguments.limit)
    torch.save(smaller.state_dict(), arguments.out)


def _check(_: argparse.Namespace) -> None:
    import unittest

    from limpid_training import checks, checks_networks

    load = unittest.defaultTestLoader.loadTestsFromModule
    outcome = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(map(load, (checks, checks_networks))))
    raise SystemExit(not outcome.wasSuccessful())


def _evaluate(arguments: argparse.Namespace) -> None:
    from limpid_training import evaluate

    evaluate.run(arguments.modality, arguments.model, arguments.slices, arguments.truth, arguments.report)


def _robustness(arguments: argparse.Namespace) -> None:
    from limpid_training import evaluate

    evaluate.robustness(arguments.modality, arguments.model, arguments.slices)


def _sheet(arguments: argparse.Namespace) -> None:
    from limpid_training import contact_sheet

    contact_sheet.write(arguments.modality, arguments.model, arguments.slices, arguments.strength, arguments.out)


def _phantom(arguments: argparse.Namespace) -> None:
    from limpid_training import contrast_phantom

    contrast_phantom.run(arguments.model, arguments.realisations, arguments.alone)


def _ultrasound(arguments: argparse.Namespace) -> None:
    from limpid_training import us_evaluation

    us_evaluation.run(arguments.model, arguments.images)


def _dense(arguments: argparse.Namespace) -> None:
    from limpid_training import dense_detail

    dense_detail.run(arguments.model, arguments.slices)


def _levels(arguments: argparse.Namespace) -> None:
    from limpid_training import level_comparison, pools
    from limpid_training.onnx_file import OnnxNetwork

    kind = "ct-stack" if OnnxNetwork(arguments.model).inputs > 2 else "ct"
    pool = pools.load(pools.build(kind, arguments.work / "pools", HELD_OUT["ct"], HELD_OUT_SEED))
    level_comparison.run(arguments.model, arguments.against, pool, arguments.sections)


def _kspace(arguments: argparse.Namespace) -> None:
    from limpid_training import kspace_evaluation

    raise SystemExit(not kspace_evaluation.run(arguments.model, arguments.data))


def _experiments(arguments: argparse.Namespace) -> None:
    from limpid_training import experiments

    if unknown := set(arguments.only or ()) - set(experiments.BY_NAME):
        raise SystemExit(f"no experiment {', '.join(sorted(unknown))}; there are {', '.join(experiments.BY_NAME)}")
    scale = experiments.Scale(arguments.divisor, arguments.side)
    folder = Path(__file__).parents[1]
    experiments.run(arguments.budget_minutes, scale, arguments.only, arguments.work, arguments.data, folder)


def _streaks(arguments: argparse.Namespace) -> None:
    from limpid_training import streak_phantom

    streak_phantom.run(arguments.model, arguments.realisations)


def _lines(arguments: argparse.Namespace) -> None:
    from limpid_training import line_phantom

    line_phantom.run(arguments.model, arguments.realisations)


def _spots(arguments: argparse.Namespace) -> None:
    from limpid_training import spot_phantom

    spot_phantom.run(arguments.model, arguments.realisations)


def _demo(arguments: argparse.Namespace) -> None:
    from limpid_training import demo_series

    demo_series.write_all(arguments.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="limpid_training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for modality, minutes in MINUTES.items():
        command = commands.add_parser(modality, help=f"train {MODELS[modality]}: pools, training, ONNX file")
        command.add_argument("--work", type=Path, required=True, help="folder for pools, log, weights and the file")
        command.add_argument("--minutes", type=float, default=minutes, help="processor time of the training")
        command.add_argument("--wall-minutes", type=float, help="end earlier by the clock (default 3 x minutes)")
        command.add_argument("--share", type=float, default=1.0, help=f"of the pool, {POOLS[modality]} when whole")
        command.add_argument("--init", type=Path, help="start from these weights (.pt)")
        command.add_argument("--small", action="store_true", help="the small network, a third of the arithmetic")
        command.add_argument("--slices", type=int, choices=(1, 3) if modality in STACKS else (1,), default=1, help="3: the slices before and after too")
        command.add_argument("--teacher", type=Path, help="distil these weights (.pt): half of the target is what they give")
        command.add_argument("--noise-share", type=float, default=NOISE_SHARES[modality], help="weight of noise that stays against bias")
        command.add_argument("--low-noise", type=float, default=0.0, help="CT: this share of the patches has noise below 10 HU")
        command.add_argument("--halved", type=float, default=0.0, help="CT: this share of the patches has twice as dense detail")
        command.add_argument("--lines", type=float, default=0.0, help="CT: this share of the patches has bundles of fine lines laid over it")
        command.add_argument("--singles", type=float, default=0.3, help="with --slices 3: this share of the patches are single slices")
        command.add_argument("--rate", type=float, default=2e-3)
        command.add_argument("--seed", type=int, default=0)
        command.set_defaults(run=_train)
    command = commands.add_parser("export", help="weights (.pt, or an older .onnx) to ONNX")
    command.add_argument("weights", type=Path)
    command.add_argument("onnx", type=Path)
    command.set_defaults(run=_export)
    command = commands.add_parser("trim", help="leave out inner channels that nothing gets past; fails where the output changes")
    command.add_argument("modality", choices=TRIM_POOLS)
    command.add_argument("--weights", type=Path, required=True, help=".pt or .onnx")
    command.add_argument("--work", type=Path, required=True, help="folder of the pools")
    command.add_argument("--slices", type=Path, nargs="+", required=True, help="DICOM files: every other one helps to choose, all confirm")
    command.add_argument("--limit", type=float, default=5e-3, help="most that a channel left out may add to a sum, network units")
    command.add_argument("--out", type=Path, required=True, help=".pt")
    command.set_defaults(run=_trim)
    command = commands.add_parser("average", help="mean of two networks' weights, one trained on from the other")
    for name in ("first", "second", "out"):
        command.add_argument(name, type=Path)
    command.set_defaults(run=_average)
    command = commands.add_parser("check", help="checks of the simulated physics and of the network, about 20 s")
    command.set_defaults(run=_check)
    command = commands.add_parser("evaluate", help="gain on real slices with simulated noise, against classical filters")
    command.add_argument("modality", choices=("ct", "mr"))
    command.add_argument("--model", type=Path, required=True)
    command.add_argument("--slices", type=Path, nargs="+", required=True, help="DICOM files of held-out scanners")
    command.add_argument("--truth", type=Path, nargs="+", help="noise-free counterparts of the slices: adds no noise")
    command.add_argument("--report", type=Path, help="JSON with every figure of every slice")
    command.set_defaults(run=_evaluate)
    command = commands.add_parser("robustness", help="fall of the figures when the noise of real slices grows by 10 %%")
    command.add_argument("modality", choices=("ct", "mr"))
    command.add_argument("--model", type=Path, required=True)
    command.add_argument("--slices", type=Path, nargs="+", required=True)
    command.set_defaults(run=_robustness)
    command = commands.add_parser("sheet", help="PNG of before, after and difference, to be looked at")
    command.add_argument("modality", choices=("ct", "mr", "us"))
    command.add_argument("--model", type=Path, required=True)
    command.add_argument("--slices", type=Path, nargs="+", required=True)
    command.add_argument("--strength", type=float, help="default: the card's")
    command.add_argument("--out", type=Path, required=True)
    command.set_defaults(run=_sheet)
    command = commands.add_parser("phantom", help="edges and low-contrast discs kept by a CT model")
    command.add_argument("--model", type=Path, required=True)
    command.add_argument("--realisations", type=int, default=8)
    command.add_argument("--alone", action="store_true", help="a model of three slices is shown single ones")
    command.set_defaults(run=_phantom)
    command = commands.add_parser("streaks", help="what a CT model leaves of starvation streaks between the arms")
    command.add_argument("--model", type=Path, required=True)
    command.add_argument("--realisations", type=int, default=4)
    command.set_defaults(run=_streaks)
    command = commands.add_parser("dense", help="a CT model on real slices halved, under 40 HU of noise, against classical filters")
    command.add_argument("--model", type=Path, required=True)
    command.add_argument("--slices", type=Path, nargs="+", required=True)
    command.set_defaults(run=_dense)
    command = commands.add_parser("lines", help="what a CT model keeps of bundles of fine lines")
    command.add_argument("--model", type=Path, required=True)
    command.add_argument("--realisations", type=int, default=3)
    command.set_defaults(run=_lines)
    command = commands.add_parser("spots", help="what an MR model keeps of spots, of those in one slice alone too")
    command.add_argument("--model", type=Path, required=True)
    command.add_argument("--realisations", type=int, default=8)
    command.set_defaults(run=_spots)
    command = commands.add_parser("levels", help="a CT model against another at every noise level")
    command.add_argument("--model", type=Path, required=True)
    command.add_argument("--against", type=Path, required=True)
    command.add_argument("--work", type=Path, required=True, help="folder of the pools")
    command.add_argument("--sections", type=int, default=6, help="a level")
    command.set_defaults(run=_levels)
    command = commands.add_parser("ultrasound", help="speckle, edges and contrasts of a phantom and of real images")
    command.add_argument("--model", type=Path, required=True)
    command.add_argument("--images", type=Path, nargs="*", default=[])
    command.set_defaults(run=_ultrasound)
    command = commands.add_parser("kspace", help="the MR model behind GRAPPA and SENSE of measured k-space; fails where it harms")
    command.add_argument("--model", type=Path, required=True)
    command.add_argument("--data", type=Path, default=SHARED_DATA)
    command.set_defaults(run=_kspace)
    command = commands.add_parser("experiments", help="train every variant and yardstick with one budget; the table")
    command.add_argument("--budget-minutes", type=float, default=1.5)
    command.add_argument("--divisor", type=float, default=1, help="of all widths, for a processor: 3")
    command.add_argument("--side", type=int, default=96, help="of the patches, for a processor: 64")
    command.add_argument("--only", nargs="+", metavar="NAME")
    command.add_argument("--work", type=Path, required=True)
    command.add_argument("--data", type=Path, default=SHARED_DATA, help="real series")
    command.set_defaults(run=_experiments)
    command = commands.add_parser("demo", help="write the demo's simulated series")
    command.add_argument("--out", type=Path, required=True, help="demo/series")
    command.set_defaults(run=_demo)
    return parser


arguments = _parser().parse_args()
arguments.run(arguments)
