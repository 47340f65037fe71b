#!/usr/bin/python3
"""Trains a network that is ready for encryption on IDX files, and writes it as ONNX. The README beside this file says how and why."""
import argparse, copy, ctypes, gzip, os, re, time
import numpy
import torch
from torch import nn
from torch.nn import functional as F
from layers import Square, build


def read_idx(files):
    """Bytes of IDX files, plain or gzip, one file after the other."""
    arrays = []
    for file in files:
        with open(file, "rb") as stream: data = stream.read()
        if data[:2] == b"\x1f\x8b": data = gzip.decompress(data)
        if data[:3] != b"\0\0\x08": raise SystemExit(f"{file}: no IDX file of bytes")
        shape = numpy.frombuffer(data, ">u4", data[3], 4)
        if len(data) != 4 + 4 * data[3] + shape.prod(): raise SystemExit(f"{file}: {len(data)} bytes do not hold {'×'.join(map(str, shape))}; is it complete?")
        arrays.append(numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * data[3]).reshape(shape))
    return torch.from_numpy(numpy.concatenate(arrays))


def read_pictures(images, labels):
    """Bytes [n, channels, height, width], and the class of each."""
    pictures, labels = read_idx(images), read_idx(labels).long()
    if len(pictures) != len(labels): raise SystemExit(f"{len(pictures)} pictures, but {len(labels)} labels")
    return pictures.unsqueeze(1) if pictures.dim() == 3 else pictures.permute(0, 3, 1, 2).contiguous(), labels


def augment(views, index, flip, cutout):
    """Pictures moved within their padding, mirrored, one square of each greyed: of the whole batch at once, in memory."""
    n, places, size = len(index), views.shape[1], views.shape[-1]
    x = views[index, torch.randint(places, (n,)), torch.randint(places, (n,))].float() / 255
    if flip: x = torch.where(torch.rand(n, 1, 1, 1) < 0.5, x.flip(3), x)
    if cutout:
        row, column = (torch.randint(size, (2, n, 1)) - torch.arange(size)).abs() * 2 <= cutout
        x = x.masked_fill((row[:, :, None] & column[:, None, :])[:, None], 0.5)
    return x.contiguous(memory_format=torch.channels_last)


def has_bf16():
    """Whether the processor multiplies bf16 itself: where it does not, bf16 takes thirty times as long as 32-bit floats, which are used then."""
    with open("/proc/cpuinfo") as stream: return re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", stream.read()) is not None


@torch.no_grad()
def accuracy(model, pictures, labels):
    model.eval()
    right = [(model(some.float() / 255).argmax(1) == truth).sum().item() for some, truth in zip(pictures.split(250), labels.split(250))]
    return sum(right) / len(labels)


def save(model, recipe, out, shape):
    """The network with batch normalisation folded in as ONNX, and what --teacher reads beside it; each complete or not at all."""
    torch.onnx.export(copy.deepcopy(model).eval(), torch.zeros(1, *shape), out + ".part", opset_version=14, input_names=["picture"], output_names=["logits"],
                      dynamic_axes={"picture": {0: "n"}, "logits": {0: "n"}})
    torch.save(dict(recipe=recipe, state=model.state_dict()), out + ".pt.part")
    for written, name in ((out + ".part", out), (out + ".pt.part", re.sub(r"\.onnx$", "", out) + ".pt")): os.replace(written, name)


def load(file, option, channels, classes):
    saved = torch.load(file)
    theirs = len(saved["recipe"]["mean"]), saved["recipe"]["classes"]
    if theirs != (channels, classes): raise SystemExit(f"{option} {file}: {theirs[0]} channels and {theirs[1]} classes, but the pictures have {channels} and {classes}")
    model = build(**saved["recipe"])
    model.load_state_dict(saved["state"])
    return model.eval(), saved["recipe"]


def read_teacher(o, shape, classes):
    if not o.teacher.endswith(".onnx"): return load(o.teacher, "--teacher", shape[0], classes)[0]
    from given import Given  # Debian's python3-onnx, which nothing else here needs

    teacher = Given(o.teacher, o.teacher_mean, o.teacher_std).eval()
    answers = teacher(torch.zeros(1, *shape)).shape[1]
    if answers != classes: raise SystemExit(f"--teacher {o.teacher}: {answers} classes, but the pictures have {classes}")
    return teacher


def read_options():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    for name in ("images", "labels", "test-images", "test-labels"): options.add_argument("--" + name, nargs="+", required=True, metavar="IDX", help="plain or gzip, read one after the other")
    options.add_argument("--out", required=True, metavar="FILE.onnx", help="written every five epochs, with FILE.pt to be a --teacher")
    options.add_argument("--layers", default="32k4s2 64 64s2 128 128s2", help="a word a layer: maps, k kernel (else 3), s stride (else 1); r: a residual block of two; p: one without an activation after its sum; l: a layer without an activation")
    options.add_argument("--activation", choices=["quadratic", "relu"], default="quadratic", help="relu: for a teacher, or to compare")
    options.add_argument("--teacher", metavar="FILE.pt|onnx", help="a network whose answers are learnt, too: one that this script trained, or any as ONNX")
    options.add_argument("--teacher-mean", nargs="+", type=float, default=[0.0], metavar="M", help="what an ONNX teacher had subtracted from bytes / 255: one number, or one a channel")
    options.add_argument("--teacher-std", nargs="+", type=float, default=[1.0], metavar="S", help="and what that was divided by")
    options.add_argument("--epochs", type=int, default=24, help="times that each picture is seen")
    options.add_argument("--batch", type=int, default=128, help="pictures a step")
    options.add_argument("--rate", type=float, default=0.3, help="highest learning rate of the cycle")
    options.add_argument("--decay", type=float, default=5e-4, help="of weights")
    options.add_argument("--pull", type=float, default=0.002, help="penalty on what lies outside of the range of a square")
    options.add_argument("--clamped", type=float, default=0.5, metavar="SHARE", help="of the epochs, the first ones, in which what is squared is clamped")
    options.add_argument("--start", metavar="FILE.pt", help="a network of the same layers to go on from")
    options.add_argument("--smoothing", type=float, default=0.1, help="of labels; none with a teacher")
    options.add_argument("--cutout", type=int, default=0, metavar="PIXELS", help="side of a square that is greyed")
    options.add_argument("--move", type=int, default=4, metavar="PIXELS", help="how far pictures are moved")
    options.add_argument("--no-flip", action="store_true", help="do not mirror pictures")
    options.add_argument("--per-class", type=int, metavar="N", help="train on the first N pictures of each class alone")
    options.add_argument("--seed", type=int, default=1, help="of weights and order")
    options.add_argument("--threads", type=int, default=1, help="cores to use")
    return options.parse_args()


def main():
    o = read_options()
    # Memory stays with the process: giving 30 MB back and asking for them again at each step halved the speed (630 -> 2200 pictures a second).
    for parameter, value in ((-1, 1 << 30), (-4, 0)): ctypes.CDLL(None).mallopt(parameter, value)  # M_TRIM_THRESHOLD, M_MMAP_MAX
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    pictures, labels = read_pictures(o.images, o.labels)
    test, truth = read_pictures(o.test_images, o.test_labels)
    if o.per_class: pictures, labels = (all[torch.cat([(labels == c).nonzero()[: o.per_class, 0] for c in labels.unique()])] for all in (pictures, labels))
    if len(pictures) < o.batch: raise SystemExit(f"--batch {o.batch}: there are {len(pictures)} pictures only")
    sample = pictures[:: max(1, len(pictures) // 5000)].float() / 255
    recipe = dict(layers=o.layers, activation=o.activation, classes=int(labels.max()) + 1, mean=sample.mean((0, 2, 3)), deviation=sample.std((0, 2, 3)))
    teacher = read_teacher(o, pictures.shape[1:], recipe["classes"]) if o.teacher else None
    model, recipe = load(o.start, "--start", pictures.shape[1], recipe["classes"]) if o.start else (build(**recipe), recipe)
    if (recipe["layers"], recipe["activation"]) != (o.layers, o.activation): raise SystemExit(f"--start {o.start}: has the layers \"{recipe['layers']}\", {recipe['activation']}")
    size, steps = pictures.shape[-2:], len(pictures) // o.batch
    padded = F.pad(pictures.float(), [o.move] * 4, mode="reflect").byte()
    views = padded.unfold(2, size[0], 1).unfold(3, size[1], 1).permute(0, 2, 3, 1, 4, 5)
    weights, others = ([p for p in model.parameters() if (p.dim() > 1) == heavy] for heavy in (True, False))
    optimizer = torch.optim.SGD([dict(params=weights, weight_decay=o.decay), dict(params=others)], lr=o.rate, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, o.rate, total_steps=o.epochs * steps, pct_start=0.2, cycle_momentum=False)
    bf16, average, step, start = has_bf16(), copy.deepcopy(model), 0, time.time()
    for epoch in range(1, o.epochs + 1):
        model.train()
        for square in model.modules():
            if isinstance(square, Square): square.clamped, square.pull = epoch <= o.clamped * o.epochs, o.pull
        total = 0.0
        for index in torch.randperm(len(pictures))[: steps * o.batch].split(o.batch):
            x, y = augment(views, index, not o.no_flip, o.cutout), labels[index]
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                logits = model(x).float()
                loss = F.cross_entropy(logits, y, label_smoothing=0 if teacher else o.smoothing)
                if teacher:  # Hinton et al., arXiv 1503.02531, at temperature 2
                    with torch.no_grad(): soft = (teacher(x).float() / 2).softmax(1)
                    loss = 0.3 * loss + 0.7 * 4 * F.kl_div((logits / 2).log_softmax(1), soft, reduction="batchmean")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if nn.utils.clip_grad_norm_(model.parameters(), 1.0).isfinite(): optimizer.step()
            schedule.step()
            step, total = step + 1, total + loss.item()
            with torch.no_grad():  # The average of the weights of about half an epoch answers better than the last ones.
                for a, b in zip(average.state_dict().values(), model.state_dict().values()):
                    if a.is_floating_point(): a.lerp_(b, max(1 / step, 0.005))
        seconds = time.time() - start
        print(f"epoch {epoch} of {o.epochs}: loss {total / steps:.4f}, {100 * accuracy(average, test, truth):.2f} % of {len(truth)} test pictures; "
              f"{seconds:.0f} s, about {seconds / epoch * (o.epochs - epoch) / 60:.0f} min left", flush=True)
        if epoch % 5 == 0 or epoch == o.epochs: save(average, recipe, o.out, pictures.shape[1:])


if __name__ == "__main__":
    main()
