"""The grid of Laermann, Samek, Strodthoff 2019, Figures 1a to 2c, on images of the size of Tiny ImageNet Full-Sized."""

GRID_TIFS = """
study: grid_tifs
data:  {name: image_folder, root: nowhere, size: 224, resize: 256}
model: resnet18
train:
  from:       Baseline
  epochs:     10
  batch_size: 128
  optimizer:  {sgd: {lr: 0.01, momentum: 0.9, nesterov: true, weight_decay: 0}}
  select:     best_validation
distortions:
  gaussian_noise: {sigma:   {log:    [0.01, 1, 4]}}
  jpeg:           {quality: {linear: [90, 10, 3]}}
  thumbnail:      {size:    {linear: [20, 200, 3]}}
  fgsm:           {epsilon: {log:    [0.001, 1, 7]}}
  rotation:       {degrees: {linear: [0, 180, 3]}}
  random_crop:    {offset:  [0, 7, 15]}
  rotation then gaussian_noise: {}
methods:
  Baseline:
    {method: standard, from: scratch, epochs: 30}
  ST:
    {method: stability_training, divergence: kl, alpha: {log: [0.01, 10, 3]}, distortion: all}
  ST sym:
    {method: stability_training, divergence: symmetric_kl, alpha: {log: [0.01, 10, 3]}, distortion: all}
  DA:
    {method: data_augmentation, p: {linear: [0.5, 1, 2]}, distortion: all}
  DA 20 epochs:
    {method: data_augmentation, p: {linear: [0.5, 1, 2]}, distortion: gaussian_noise, epochs: 20}
  AT:
    {method: adversarial_training, mu: 0.5, distortion: fgsm}
evaluate:
  sweeps:
    gaussian_noise: {sigma:   [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3],                 practical: 0.05}
    jpeg:           {quality: [90, 80, 70, 60, 50, 40, 30, 20, 10],                    practical: 30}
    thumbnail:      {size:    [200, 175, 150, 125, 100, 75, 50, 35, 20],               practical: 150}
    fgsm:           {epsilon: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1],    practical: 0.001}
    rotation:       {degrees: [15, 30, 45, 60, 75, 90, 105, 120, 135, 150, 165, 180],  practical: 30}
    random_crop:    {offset:  [1, 2, 3, 5, 7, 9, 11, 13, 15],                          practical: 3}
figures:
  1a: {train: gaussian_noise,               test: gaussian_noise, methods: [ST, DA, DA 20 epochs]}
  1c: {train: fgsm,                         test: fgsm,           methods: [ST, DA, AT], pick_at: [0.001, 0.1],
       also: {train: gaussian_noise, methods: [ST]}}
  2c: {train: rotation then gaussian_noise, test: rotation,       methods: [ST, ST sym, DA],
       also: {train: rotation, methods: [ST, ST sym, DA]}}
"""
